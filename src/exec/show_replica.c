/* See show_int.h: SHOW REPLICA STATUS. The names of both servers' columns are given; those that the
 * dialect does not have are passed over. */
#include "exec/replica.h"
#include "exec/replica_ops.h"
#include "exec/show_int.h"

#include <inttypes.h>

static void both_text(struct show_run *r, const char *mysql, const char *mariadb, struct str s)
{
    show_text(r, r->x->server->dialect == DIALECT_MARIADB ? mariadb : mysql, s);
}

static void both_uint(struct show_run *r, const char *mysql, const char *mariadb, uint64_t u)
{
    show_uint(r, r->x->server->dialect == DIALECT_MARIADB ? mariadb : mysql, u);
}

/* As the servers print the time of an error: 261121 15:04:05. Empty = never. */
static struct str error_time(struct show_run *r, int64_t us)
{
    if (us == 0) {
        return STR("");
    }
    struct value v = {.kind = VALUE_DATETIME};
    timezone_from_utc(r->x->vars.time_zone, us, &v.time);
    return arena_printf(&r->x->stmt_arena, "%02u%02u%02u %02u:%02u:%02u",
                        (unsigned)v.time.year % 100, (unsigned)v.time.month, (unsigned)v.time.day,
                        (unsigned)v.time.hour, (unsigned)v.time.minute, (unsigned)v.time.second);
}

static void set_source(struct show_run *r, const struct replica_info *i)
{
    both_text(r, "Replica_IO_State", "Slave_IO_State", i->io_state);
    both_text(r, "Source_Host", "Master_Host", i->host);
    both_text(r, "Source_User", "Master_User", i->user);
    both_uint(r, "Source_Port", "Master_Port", i->port);
    show_uint(r, "Connect_Retry", i->retry_s);
    both_text(r, "Source_Log_File", "Master_Log_File", i->read_file);
    both_uint(r, "Read_Source_Log_Pos", "Read_Master_Log_Pos", i->read_offset);
    both_text(r, "Relay_Source_Log_File", "Relay_Master_Log_File", i->exec_file);
    both_uint(r, "Exec_Source_Log_Pos", "Exec_Master_Log_Pos", i->exec_offset);
    both_text(r, "Replica_IO_Running", "Slave_IO_Running", str_from_cstr(i->io_running));
    both_text(r, "Replica_SQL_Running", "Slave_SQL_Running",
              i->sql_running ? STR("Yes") : STR("No"));
    both_text(r, "Replica_SQL_Running_State", "Slave_SQL_Running_State", i->sql_state);
    both_uint(r, "Source_Server_Id", "Master_Server_Id", i->source_server_id);
    show_text(r, "Source_UUID", i->source_uuid);
    show_text(r, "Retrieved_Gtid_Set", i->retrieved_gtids);
    show_text(r, "Executed_Gtid_Set", i->executed_gtids);
    show_uint(r, "Auto_Position", i->by_gtid);
    show_cstr(r, "Using_Gtid", i->by_gtid ? "Slave_Pos" : "No");
    show_text(r, "Gtid_IO_Pos", i->retrieved_gtids);
}

static void set_errors(struct show_run *r, const struct replica_info *i)
{
    const bool sql = i->sql_errno != 0;
    show_uint(r, "Last_Errno", (uint64_t)i->sql_errno);
    show_text(r, "Last_Error", sql ? i->sql_error : STR(""));
    show_uint(r, "Last_SQL_Errno", (uint64_t)i->sql_errno);
    show_text(r, "Last_SQL_Error", sql ? i->sql_error : STR(""));
    show_text(r, "Last_SQL_Error_Timestamp", error_time(r, sql ? i->sql_error_us : 0));
    show_uint(r, "Last_IO_Errno", (uint64_t)i->io_errno);
    show_text(r, "Last_IO_Error", i->io_errno != 0 ? i->io_error : STR(""));
    show_text(r, "Last_IO_Error_Timestamp", error_time(r, i->io_errno != 0 ? i->io_error_us : 0));
}

static void set_tls(struct show_run *r, const struct replica_info *i)
{
    const struct str mode = str_from_cstr(i->tls_mode);
    const bool verifies = str_starts_with(mode, STR("verify"));
    both_text(r, "Source_SSL_Allowed", "Master_SSL_Allowed",
              str_eq(mode, STR("disabled")) ? STR("No") : STR("Yes"));
    both_text(r, "Source_SSL_CA_File", "Master_SSL_CA_File", i->tls_ca);
    both_text(r, "Source_SSL_CA_Path", "Master_SSL_CA_Path", STR(""));
    both_text(r, "Source_SSL_Cert", "Master_SSL_Cert", i->tls_cert);
    both_text(r, "Source_SSL_Cipher", "Master_SSL_Cipher", STR(""));
    both_text(r, "Source_SSL_Key", "Master_SSL_Key", i->tls_key);
    both_text(r, "Source_SSL_Crl", "Master_SSL_Crl", STR(""));
    both_text(r, "Source_SSL_Crlpath", "Master_SSL_Crlpath", STR(""));
    both_text(r, "Source_SSL_Verify_Server_Cert", "Master_SSL_Verify_Server_Cert",
              verifies ? STR("Yes") : STR("No"));
}

/* What a replica without a relay log and without these settings shows. */
static void set_rest(struct show_run *r, const struct replica_info *i)
{
    static const char *const empty[] = {
        "Relay_Log_File",
        "Replicate_Do_DB",
        "Replicate_Ignore_DB",
        "Replicate_Do_Table",
        "Replicate_Ignore_Table",
        "Until_Log_File",
        "Source_Bind",
        "Replicate_Ignore_Server_Ids",
        "Replicate_Rewrite_DB",
        "Source_TLS_Version",
        "Source_public_key_path",
        "Network_Namespace",
        "Replicate_Do_Domain_Ids",
        "Replicate_Ignore_Domain_Ids",
    };
    static const char *const zero[] = {
        "Relay_Log_Pos", "Skip_Counter",          "Until_Log_Pos",
        "SQL_Delay",     "Get_Source_public_key", "Slave_Non_Transactional_Groups",
    };
    for (size_t k = 0; k < ARRAY_SIZE(empty); k++) {
        show_cstr(r, empty[k], "");
    }
    for (size_t k = 0; k < ARRAY_SIZE(zero); k++) {
        show_uint(r, zero[k], 0);
    }
    show_text(r, "Replicate_Wild_Do_Table", i->include);
    show_text(r, "Replicate_Wild_Ignore_Table", i->exclude);
    show_uint(r, "Relay_Log_Space", i->queued_bytes);
    show_cstr(r, "Until_Condition", "None");
    show_cstr(r, "Source_Info_File", "");
    show_uint(r, "Source_Retry_Count", 0); /* without end */
    show_cstr(r, "Channel_Name", REPLICA_CHANNEL);
    show_cstr(r, "Parallel_Mode", "optimistic");
    show_uint(r, "Slave_DDL_Groups", i->ddl);
    show_uint(r, "Slave_Transactional_Groups", i->transactions);
}

static int replica_row(struct show_run *r)
{
    const struct server *server = r->x->server;
    struct replica_info i;
    server->replica_ops->info(server->change, &r->x->stmt_arena, &i);
    set_source(r, &i);
    set_errors(r, &i);
    set_tls(r, &i);
    set_rest(r, &i);
    if (i.lag_is_known) {
        both_uint(r, "Seconds_Behind_Source", "Seconds_Behind_Master", i.lag_us / 1000000);
    }
    return show_send(r);
}

int show_replica_status(struct show_run *r)
{
    struct exec_session *x = r->x;
    const char *privilege =
        x->server->dialect == DIALECT_MARIADB ? "SLAVE MONITOR" : "SUPER, REPLICATION CLIENT";
    if (x->server->replica_ops == NULL) {
        return exec_check_global(x, PRIV_REPLICATION_CLIENT, privilege);
    }
    if (exec_check_operator(x, privilege) != 0 || exec_check_channel(x, r->stmt->channel) != 0) {
        return -1;
    }
    return replica_row(r);
}
