/* Pintail's server process: configuration, start-up steps, wait, stop. */
#include "binlog_tool.h"
#include "startup.h"
#include "verify_tool.h"
#include "version.gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* Prints and returns the process's exit status. */
static int print_text(struct str text)
{
    return fwrite(text.p, 1, text.len, stdout) == text.len ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int report_mistakes(const struct config_set *c)
{
    for (uint32_t i = 0; i < c->mistake_count; i++) {
        fprintf(stderr, "pintail: %.*s\n", STR_FMT(c->mistakes[i]));
    }
    return EXIT_FAILURE;
}

static int run(struct app *a)
{
    static int (*const steps[])(struct app *a, struct diag *d) = {
        app_configure_log, app_start_threads, app_start_admin, app_open_storage, app_find_source,
        app_load_catalog,  app_open_upstream, app_open_change, app_prepare_tls,  app_listen,
    };
    struct diag d;
    diag_init(&d);
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(steps) && rc == 0; i++) {
        rc = steps[i](a, &d);
    }
    if (rc == 0) {
        app_wait(a);
    } else {
        fprintf(stderr, "pintail: %.*s\n", STR_FMT(d.error->message));
    }
    app_stop(a);
    diag_release(&d);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Runs the tool that the first argument names. Returns false when it names none. */
static bool run_tool(int argc, char **argv, int *out_status)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } tools[] = {
        {"binlog", binlog_tool},
        {"verify", verify_tool},
    };
    for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(tools); i++) {
        if (strcmp(argv[1], tools[i].name) == 0) {
            *out_status = tools[i].run(argc - 1, argv + 1);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    int status;
    if (run_tool(argc, argv, &status)) {
        return status;
    }
    static struct app app;
    app_init(&app, argc, argv);
    config_load(&app.config, &app.arena, argc, argv, environ);
    switch (app.config.action) {
    case CONFIG_HELP:
        status = print_text(config_help(&app.arena));
        break;
    case CONFIG_VERSION:
        status = print_text(STR("pintail " PINTAIL_VERSION "\n"));
        break;
    case CONFIG_SAMPLE:
        status = print_text(config_sample(&app.arena));
        break;
    default:
        if (app.config.mistake_count > 0) {
            status = report_mistakes(&app.config);
        } else if (app.config.action == CONFIG_PRINT) {
            status = print_text(config_print(&app.config, &app.arena));
        } else {
            status = run(&app);
        }
    }
    arena_release(&app.arena);
    return status;
}
