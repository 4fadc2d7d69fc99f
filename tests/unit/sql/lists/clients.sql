-- What clients, drivers and dumps send; one a line.
SELECT @@version_comment LIMIT 1
/* mysql-connector-j-8.0.33 */SELECT @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS character_set_client, @@collation_connection AS collation_connection, @@init_connect AS init_connect, @@wait_timeout AS wait_timeout
SET character_set_results = NULL
SET autocommit=1, session_track_schema=1, session_track_system_variables='autocommit,time_zone', sql_mode=concat(@@sql_mode,',STRICT_TRANS_TABLES')
set session transaction read write
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
SELECT @@session.transaction_isolation, @@max_allowed_packet,@@system_time_zone,@@time_zone,@@auto_increment_increment,@@tx_isolation AS tx_isolation, @@session.tx_read_only
SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci
SET sql_mode=(SELECT CONCAT(@@sql_mode, ',NO_ZERO_DATE'))
SET SQL_SAFE_UPDATES=1, SQL_SELECT_LIMIT=1000, MAX_JOIN_SIZE=DEFAULT
SET @@SESSION.sql_mode = @@GLOBAL.sql_mode, @@SESSION.SQL_LOG_BIN= 0
SHOW VARIABLES WHERE Variable_name IN ('sql_mode','version') OR Variable_name LIKE 'lower%'
SHOW FULL TABLES WHERE Table_type <> 'VIEW'
SHOW SESSION STATUS LIKE 'Ssl_cipher'
SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, CASE WHEN TABLE_TYPE='BASE TABLE' THEN CASE WHEN TABLE_SCHEMA = 'mysql' THEN 'SYSTEM TABLE' ELSE 'TABLE' END ELSE TABLE_TYPE END AS TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES HAVING TABLE_TYPE IN ('TABLE','VIEW',null) ORDER BY TABLE_TYPE, TABLE_SCHEMA
SELECT schema_name AS `Database`, default_character_set_name FROM information_schema.schemata WHERE schema_name = DATABASE()
SELECT LOGFILE_GROUP_NAME, FILE_NAME, TOTAL_EXTENTS, INITIAL_SIZE, ENGINE, EXTRA FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = 'UNDO LOG' AND FILE_NAME IS NOT NULL AND LOGFILE_GROUP_NAME IS NOT NULL AND LOGFILE_GROUP_NAME IN (SELECT DISTINCT LOGFILE_GROUP_NAME FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = 'DATAFILE') GROUP BY LOGFILE_GROUP_NAME, FILE_NAME, ENGINE, TOTAL_EXTENTS, INITIAL_SIZE ORDER BY LOGFILE_GROUP_NAME
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */
/*!50503 SET NAMES utf8mb4 */
/*!40103 SET TIME_ZONE='+00:00' */
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `tpch` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci */
DROP TABLE IF EXISTS `customer`
CREATE TABLE `lineitem` ( `L_ORDERKEY` int NOT NULL, `L_QUANTITY` decimal(15,2) NOT NULL, `L_SHIPDATE` date NOT NULL, `L_COMMENT` varchar(44) COLLATE utf8mb4_general_ci NOT NULL, PRIMARY KEY (`L_ORDERKEY`,`L_LINENUMBER`), KEY `fk` (`L_PARTKEY`,`L_SUPPKEY`), CONSTRAINT `lineitem_ibfk_1` FOREIGN KEY (`L_ORDERKEY`) REFERENCES `orders` (`O_ORDERKEY`) ON DELETE CASCADE ) ENGINE=InnoDB AUTO_INCREMENT=12 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
CREATE TABLE `p` (`a` int NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 /*!50100 PARTITION BY RANGE (`a`) (PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB) */
LOCK TABLES `customer` WRITE
/*!40000 ALTER TABLE `customer` DISABLE KEYS */
INSERT INTO `t` VALUES (1,-2,+3,'a\'b','c''d',NULL,_binary 'xx',0xFF,X'00',b'1',DEFAULT,TRUE,NOW(),(1+2),-1.5e3),(2,3,4,'','',NULL,'','','','',1,0,'2020-01-01 00:00:00',3,.5)
UNLOCK TABLES
SELECT /*!40001 SQL_NO_CACHE */ * FROM `customer`
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `tr` BEFORE INSERT ON `t` FOR EACH ROW BEGIN SET NEW.a = 1; SET NEW.b = 2; END */
/*!50001 CREATE ALGORITHM=UNDEFINED */ /*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */ /*!50001 VIEW `v` AS select 1 AS `1` */
SHOW CREATE TABLE `d`.`t`
SHOW TABLE STATUS LIKE 'customer'
SHOW FIELDS FROM `t`
show create database if not exists `d`
START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */
SAVEPOINT sp
ROLLBACK TO SAVEPOINT sp
SELECT `users`.* FROM `users` WHERE `users`.`id` = 1 LIMIT 1
SELECT COUNT(*) AS aggregate FROM `posts` WHERE `posts`.`user_id` IN (1, 2, 3) AND `deleted_at` IS NULL
SELECT DISTINCT a.`id` AS `id1`, (SELECT COUNT(*) FROM b WHERE b.a_id = a.id) AS cnt FROM `a` a LEFT OUTER JOIN `b` b ON (a.id = b.a_id AND b.x > 5) WHERE (a.`name` LIKE '%x%' OR a.`name` REGEXP '^y') GROUP BY a.`id` HAVING (COUNT(b.id) > 1) ORDER BY a.`created` DESC, `id1` ASC LIMIT 20 OFFSET 40
INSERT INTO kv (k, v, ts) VALUES ('a', '{"x": 1}', CURRENT_TIMESTAMP) ON DUPLICATE KEY UPDATE v = VALUES(v), ts = CURRENT_TIMESTAMP
UPDATE `t` SET `a` = `a` + 1, `b` = CASE `id` WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE `b` END WHERE `id` IN (1,2)
DELETE t1 FROM t t1 INNER JOIN t t2 WHERE t1.id < t2.id AND t1.email = t2.email
CREATE TABLE sbtest1 (id INTEGER NOT NULL AUTO_INCREMENT, k INTEGER DEFAULT '0' NOT NULL, c CHAR(120) DEFAULT '' NOT NULL, pad CHAR(60) DEFAULT '' NOT NULL, PRIMARY KEY (id)) /*! ENGINE = innodb */
SELECT DISTINCT c FROM sbtest1 WHERE id BETWEEN 1 AND 100 ORDER BY c
SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN ? AND ?
SELECT /*+ SET_VAR(sort_buffer_size = 16M) */ id FROM t
SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE user = 'x' AND time > 60
SELECT DATE_FORMAT(created, '%Y-%m') AS month, SUM(IF(status = 'paid', amount, 0)) paid FROM orders GROUP BY 1 WITH ROLLUP
SELECT @rownum := @rownum + 1 AS row_number1, t.* FROM t, (SELECT @rownum := 0) r
KILL CONNECTION 42
SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Threads%'
SHOW COLLATION LIKE 'utf8%'
SHOW INDEX FROM `t` FROM `d`
EXPLAIN SELECT * FROM t WHERE a = 1
CHECK TABLE `t` FAST QUICK
FLUSH /*!40101 LOCAL */ TABLES
