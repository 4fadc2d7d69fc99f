# Programs that are no database server: only prepare, version and run.

server_program=usr/bin/$server_name
template=$root

server_version() {
    run_program "$server_program" --version | sed -n 's/.*Ver \([^ ]*\).*/\1/p'
}

make_template() {
    return 0
}
