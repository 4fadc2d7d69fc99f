/*
 * ---- What is recognised by its first words and not carried out ----
 * Bodies of stored programs contain ';': those statements take the rest of the text.
 */

statement ::= other(A) any_or_none.    { build_other(ctx, A); }
%type other {struct str}
statement ::= CREATE or_replace view_options program_kind(A) program_body. { build_other(ctx, A); }
statement ::= ALTER view_options VIEW any_list.                { build_other(ctx, STR("ALTER VIEW")); }
statement ::= ALTER view_options program_kind program_body.    { build_other(ctx, STR("ALTER of a stored program")); }
statement ::= DROP program_kind any_list.                      { build_other(ctx, STR("DROP of a stored program")); }
/* Reading ends here; the body is not scanned. */
program_body ::= program_begin any_or_none.
program_begin ::= .                       { ctx->takes_all = true; }
%type program_kind {struct str}
program_kind(A) ::= PROCEDURE.            { A = STR("CREATE PROCEDURE"); }
program_kind(A) ::= FUNCTION.             { A = STR("CREATE FUNCTION"); }
program_kind(A) ::= AGGREGATE FUNCTION. { A = STR("CREATE FUNCTION"); }
program_kind(A) ::= TRIGGER.              { A = STR("CREATE TRIGGER"); }
program_kind(A) ::= EVENT.                { A = STR("CREATE EVENT"); }
program_kind(A) ::= PACKAGE.              { A = STR("CREATE PACKAGE"); }
other(A) ::= CREATE or_replace opt_temporary SEQUENCE. { A = STR("CREATE SEQUENCE"); }
other(A) ::= CREATE or_replace other_object(B).  { A = B; }
other(A) ::= ALTER other_object(B).              { A = B; }
other(A) ::= ALTER SEQUENCE.                     { A = STR("ALTER SEQUENCE"); }
other(A) ::= ALTER INSTANCE.                     { A = STR("ALTER INSTANCE"); }
other(A) ::= DROP other_object(B).               { A = B; }
other(A) ::= DROP opt_temporary SEQUENCE.        { A = STR("DROP SEQUENCE"); }
%type other_object {struct str}
other_object(A) ::= SERVER.            { A = STR("SERVER"); }
other_object(A) ::= TABLESPACE.        { A = STR("TABLESPACE"); }
other_object(A) ::= UNDO TABLESPACE.   { A = STR("TABLESPACE"); }
other_object(A) ::= LOGFILE.           { A = STR("LOGFILE GROUP"); }
other_object(A) ::= RESOURCE.          { A = STR("RESOURCE GROUP"); }
other_object(A) ::= SPATIAL REFERENCE. { A = STR("SPATIAL REFERENCE SYSTEM"); }
other(A) ::= XA.                { A = STR("XA"); }
other(A) ::= HANDLER.           { A = STR("HANDLER"); }
other(A) ::= INSTALL.           { A = STR("INSTALL"); }
other(A) ::= UNINSTALL.         { A = STR("UNINSTALL"); }
other(A) ::= RESET.             { A = STR("RESET"); }
other(A) ::= PURGE.             { A = STR("PURGE"); }
other(A) ::= CHANGE REPLICATION FILTER. { A = STR("CHANGE REPLICATION FILTER"); }
other(A) ::= START GROUP_REPLICATION. { A = STR("START GROUP_REPLICATION"); }
other(A) ::= STOP GROUP_REPLICATION. { A = STR("STOP GROUP_REPLICATION"); }
other(A) ::= IMPORT TABLE.      { A = STR("IMPORT TABLE"); }
other(A) ::= CLONE.             { A = STR("CLONE"); }
other(A) ::= SHUTDOWN.          { A = STR("SHUTDOWN"); }
other(A) ::= RESTART.           { A = STR("RESTART"); }
other(A) ::= HELP.              { A = STR("HELP"); }
other(A) ::= BINLOG.            { A = STR("BINLOG"); }
other(A) ::= CACHE INDEX.       { A = STR("CACHE INDEX"); }
other(A) ::= LOAD INDEX.        { A = STR("LOAD INDEX"); }
other(A) ::= LOAD XML.          { A = STR("LOAD XML"); }
other(A) ::= GET.               { A = STR("GET DIAGNOSTICS"); }
other(A) ::= SIGNAL.            { A = STR("SIGNAL"); }
other(A) ::= RESIGNAL.          { A = STR("RESIGNAL"); }
other(A) ::= BACKUP.            { A = STR("BACKUP"); }
other(A) ::= LOCK INSTANCE.     { A = STR("LOCK INSTANCE"); }
other(A) ::= UNLOCK INSTANCE.   { A = STR("UNLOCK INSTANCE"); }
other(A) ::= SET RESOURCE GROUP. { A = STR("SET RESOURCE GROUP"); }
other(A) ::= SET STATEMENT.     { A = STR("SET STATEMENT"); }
other(A) ::= EXECUTE IMMEDIATE. { A = STR("EXECUTE IMMEDIATE"); }
