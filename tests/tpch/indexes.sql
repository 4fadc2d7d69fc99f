-- Indexes on the foreign keys. Row stores need them: without, queries 13, 17, 20 and 22 scan a table once per row of
-- another. Pintail does not.
CREATE INDEX n_regionkey ON nation (n_regionkey);
CREATE INDEX s_nationkey ON supplier (s_nationkey);
CREATE INDEX ps_suppkey ON partsupp (ps_suppkey);
CREATE INDEX c_nationkey ON customer (c_nationkey);
CREATE INDEX o_custkey ON orders (o_custkey);
CREATE INDEX l_partsupp ON lineitem (l_partkey, l_suppkey);
CREATE INDEX l_suppkey ON lineitem (l_suppkey);
