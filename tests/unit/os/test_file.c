#include "os_test.h"

#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of its own for each test, and what most need. */
struct scene {
    struct arena arena;
    struct diag d;
    char dir[64];
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    arena_init(&s->arena, 0);
    diag_init(&s->d);
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/pintail-test-XXXXXX");
    *state = s;
    return mkdtemp(s->dir) ? 0 : -1;
}

static const char *path_of(struct scene *s, const char *name)
{
    return arena_printf(&s->arena, "%s/%s", s->dir, name).p;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    static const char *const names[] = {"data/pintail.lock", "data", "f", "f.tmp", "pintail.lock"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        (void)remove(path_of(s, names[i]));
    }
    (void)rmdir(s->dir);
    arena_release(&s->arena);
    diag_release(&s->d);
    free(s);
    return 0;
}

static void test_directory_is_made_and_locked(void **state)
{
    struct scene *s = *state;
    const char *dir = path_of(s, "data");
    const int fd = file_lock_dir(dir, &s->d);
    assert_true(fd >= 0);
    struct stat st;
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    file_unlock_dir(fd);
    const int again = file_lock_dir(dir, &s->d);
    assert_true(again >= 0);
    file_unlock_dir(again);
}

static void test_second_lock_names_the_first_process(void **state)
{
    struct scene *s = *state;
    const int fd = file_lock_dir(s->dir, &s->d);
    assert_true(fd >= 0);
    assert_int_equal(file_lock_dir(s->dir, &s->d), -1);
    const char *message = arena_dup_cstr(&s->arena, s->d.error->message);
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "process %ld;", (long)getpid());
    assert_non_null(strstr(message, pid));
    assert_non_null(strstr(message, s->dir));
    file_unlock_dir(fd);
}

static void test_file_in_place_of_the_directory_is_refused(void **state)
{
    struct scene *s = *state;
    const char *path = path_of(s, "f");
    assert_int_equal(file_write_atomic(path, STR("x"), 0600, &s->d), 0);
    assert_int_equal(file_lock_dir(path, &s->d), -1);
    assert_non_null(strstr(arena_dup_cstr(&s->arena, s->d.error->message), path));
}

static void test_free_space_of_a_directory(void **state)
{
    struct scene *s = *state;
    uint64_t bytes = 0;
    assert_int_equal(file_free_space(s->dir, &bytes, &s->d), 0);
    assert_true(bytes > 0);
    assert_int_equal(file_free_space("/nonexistent/x", &bytes, &s->d), -1);
    assert_int_equal(bytes, 0);
}

static void test_written_content_is_read_back(void **state)
{
    struct scene *s = *state;
    const char *path = path_of(s, "f");
    struct str got;
    assert_int_equal(file_write_atomic(path, STR("first"), 0640, &s->d), 0);
    assert_int_equal(file_write_atomic(path, STR("second\0x"), 0640, &s->d), 0);
    assert_int_equal(file_read_all(path, 100, &s->arena, &got, &s->d), 0);
    assert_true(str_eq(got, STR("second\0x")));
    assert_int_equal(access(path_of(s, "f.tmp"), F_OK), -1);
}

static void test_read_stops_at_the_ceiling(void **state)
{
    struct scene *s = *state;
    const char *path = path_of(s, "f");
    struct str got;
    assert_int_equal(file_write_atomic(path, STR("123456"), 0600, &s->d), 0);
    assert_int_equal(file_read_all(path, 6, &s->arena, &got, &s->d), 0);
    assert_int_equal(got.len, 6);
    assert_int_equal(file_read_all(path, 5, &s->arena, &got, &s->d), -1);
    assert_null(got.p);
    assert_int_equal(s->d.error->code, ER_ERROR_ON_READ);
}

static void test_missing_file_and_directory_are_errors(void **state)
{
    struct scene *s = *state;
    struct str got;
    assert_int_equal(file_read_all("/nonexistent/x", 10, &s->arena, &got, &s->d), -1);
    assert_int_equal(s->d.error->code, ER_CANT_OPEN_FILE);
    assert_int_equal(file_read_all(s->dir, 10, &s->arena, &got, &s->d), -1);
    assert_int_equal(s->d.error->code, ER_ERROR_ON_READ);
}

static void test_pseudo_file_without_size_is_read(void **state)
{
    struct scene *s = *state;
    struct str got;
    assert_int_equal(file_read_all("/proc/self/statm", 1000, &s->arena, &got, &s->d), 0);
    assert_true(got.len > 0);
}

static void test_failed_write_leaves_the_file(void **state)
{
    struct scene *s = *state;
    assert_int_equal(file_write_atomic("/nonexistent/x", STR("x"), 0600, &s->d), -1);
    assert_int_equal(s->d.error->code, ER_ERROR_ON_WRITE);
    if (access("/dev/full", W_OK) == 0) {
        const char *path = path_of(s, "f");
        struct str got;
        assert_int_equal(file_write_atomic(path, STR("kept"), 0600, &s->d), 0);
        assert_int_equal(symlink("/dev/full", path_of(s, "f.tmp")), 0);
        assert_int_equal(file_write_atomic(path, STR("lost"), 0600, &s->d), -1);
        assert_int_equal(file_read_all(path, 100, &s->arena, &got, &s->d), 0);
        assert_true(str_eq(got, STR("kept")));
    }
}

#define scene_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(test_directory_is_made_and_locked),
        scene_test(test_second_lock_names_the_first_process),
        scene_test(test_file_in_place_of_the_directory_is_refused),
        scene_test(test_free_space_of_a_directory),
        scene_test(test_written_content_is_read_back),
        scene_test(test_read_stops_at_the_ceiling),
        scene_test(test_missing_file_and_directory_are_errors),
        scene_test(test_pseudo_file_without_size_is_read),
        scene_test(test_failed_write_leaves_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
