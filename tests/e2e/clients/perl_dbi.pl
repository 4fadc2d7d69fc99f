# DBI with DBD::mysql or DBD::MariaDB (the argument): text by do(), prepared with server-side statements on. See README.md.
use strict;
use warnings;
use utf8;
use DBI;
binmode STDOUT, ':utf8';
$| = 1;

my $driver = shift @ARGV;
my $prefix = $driver eq 'mysql' ? 'mysql' : 'mariadb';
my $UNICODE = 'Grüße, 世界 😀';
my $db;

sub connect_db {
    my $password = $ENV{E2E_PASSWORD};
    utf8::decode($password) if $driver eq 'MariaDB';
    my $dsn = "dbi:$driver:database=$ENV{E2E_DB};host=$ENV{E2E_HOST};port=$ENV{E2E_PORT}";
    my %options = (RaiseError => 1, PrintError => 0, AutoCommit => 1);
    $options{"${prefix}_server_prepare"} = 1;
    $options{"${prefix}_local_infile"} = 1;
    $options{mysql_enable_utf8mb4} = 1 if $driver eq 'mysql';
    if ($ENV{E2E_TLS} eq '1') {
        $options{"${prefix}_ssl"} = 1;
        # Over MariaDB's library both refuse to insist without a known certificate; the check `tls` does.
        $options{"${prefix}_ssl_optional"} = 1;
        $options{mariadb_ssl_verify_server_cert} = 0 if $driver eq 'MariaDB';
    }
    return DBI->connect($dsn, $ENV{E2E_USER}, $password, \%options);
}

sub expect {
    my ($got, $wanted) = @_;
    $got = 'NULL' unless defined $got;
    die "$got instead of $wanted\n" unless $got eq $wanted;
}

# The rows of a statement as text: "1,a;2,NULL".
sub rows {
    my ($sql, @values) = @_;
    my $all = $db->selectall_arrayref($sql, undef, @values);
    return join ';', map { join ',', map { defined $_ ? $_ : 'NULL' } @$_ } @$all;
}

my @checks = (
    connect => sub {
        $db = connect_db();
        expect(rows("SELECT SUBSTRING_INDEX(CURRENT_USER(), '\@', 1)"), $ENV{E2E_USER});
    },
    tls => sub {
        my (undef, $cipher) = $db->selectrow_array("SHOW STATUS LIKE 'Ssl_cipher'");
        expect($cipher ne '' ? 1 : 0, $ENV{E2E_TLS});
    },
    text => sub {
        $db->do('CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2))');
        expect($db->do("INSERT INTO t VALUES (1, 'text', 1.50)"), 1);
        expect(rows('SELECT * FROM t'), '1,text,1.50');
    },
    prepared => sub {
        my $insert = $db->prepare('INSERT INTO t VALUES (?, ?, ?)');
        expect($insert->execute(2, 'prepared', 2.25), 1);
        expect(rows('SELECT * FROM t WHERE id = ?', 2), '2,prepared,2.25');
    },
    commit => sub {
        $db->begin_work;
        $db->do('INSERT INTO t VALUES (?, ?, ?)', undef, 3, 'commit', undef);
        $db->commit;
        expect(rows('SELECT COUNT(*) FROM t WHERE id = 3'), 1);
    },
    rollback => sub {
        $db->begin_work;
        $db->do('INSERT INTO t VALUES (?, ?, ?)', undef, 4, 'rollback', undef);
        expect(rows('SELECT COUNT(*) FROM t WHERE id = 4'), 1);
        $db->rollback;
        expect(rows('SELECT COUNT(*) FROM t WHERE id = 4'), 0);
    },
    large => sub {
        for my $use_result (0, 1) {
            # Streams work in neither driver with prepared statements, and in DBD::MariaDB not at all, with any server.
            next if $use_result && $driver eq 'MariaDB';
            my %how = ("${prefix}_use_result" => $use_result, "${prefix}_server_prepare" => 1 - $use_result);
            my $select = $db->prepare('SELECT id, name FROM shared.large', \%how);
            $select->execute;
            my ($count, $sum) = (0, 0);
            while (my $row = $select->fetchrow_arrayref) {
                $count++;
                $sum += $row->[0];
            }
            expect("$count $sum", '100000 5000050000');
        }
    },
    unicode => sub {
        $db->do('INSERT INTO t VALUES (?, ?, NULL)', undef, 5, $UNICODE);
        expect(rows('SELECT name FROM t WHERE name = ?', $UNICODE), $UNICODE);
        expect(rows('SELECT CHAR_LENGTH(name) FROM t WHERE id = 5'), 11);
    },
    null => sub {
        $db->do('INSERT INTO t VALUES (?, ?, ?)', undef, 6, undef, undef);
        expect(rows('SELECT name, price FROM t WHERE id = ?', 6), 'NULL,NULL');
    },
    duplicate => sub {
        eval { $db->do('INSERT INTO t VALUES (?, ?, ?)', undef, 1, 'again', 0) };
        expect($db->err . ' ' . $db->state, '1062 23000');
    },
    load => sub {
        $db->do('CREATE TABLE l (id INT, name VARCHAR(20))');
        $db->do("LOAD DATA LOCAL INFILE '$ENV{E2E_FILE}' INTO TABLE l CHARACTER SET utf8mb4");
        expect(rows('SELECT name FROM l ORDER BY id'), 'eins;zwei ß;NULL');
    },
    again => sub {
        $db->disconnect;
        $db = connect_db();
        expect(rows('SELECT 40 + 2'), 42);
        $db->disconnect;
    },
);

my $status = 0;
while (my ($name, $check) = splice @checks, 0, 2) {
    if (eval { $check->(); 1 }) {
        print "ok $name\n";
        next;
    }
    print "FAIL $name: $@";
    print "\n" unless $@ =~ /\n\z/;
    $status = 1;
    last unless defined $db;
}
exit $status;
