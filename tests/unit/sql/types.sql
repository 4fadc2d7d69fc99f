
create table n (id int not null primary key, ti tinyint, si smallint, mi mediumint, i int, bi bigint, uti tinyint unsigned, ui int unsigned, ubi bigint unsigned, nn int not null,
 d152 decimal(15,2), nd decimal(15,2) not null, d10 decimal(10,0), ud decimal(10,2) unsigned, d38 decimal(38,10), f float, db double, nf float not null, y year, b1 bit(1), b8 bit(8));
create table s (id int not null primary key, c10 char(10), v20 varchar(20), nv varchar(25) not null, tx text, mt mediumtext, vb varbinary(10), bl blob, vbin varchar(10) collate utf8mb4_bin, l1 varchar(10) character set latin1, e enum('a','bb','ccc'), st set('x','y'), c1 char(1) not null);
create table d (id int not null primary key, da date, nda date not null, dt datetime, dt3 datetime(3), dt6 datetime(6), ts timestamp null, ts6 timestamp(6) null, t time, t3 time(3));
create table o (oid int, v int);
