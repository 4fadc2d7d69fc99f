# Makes the table of keywords out of keywords.txt.
#   awk -v out=fallback -f keywords.awk keywords.txt                    the %fallback directive of the grammar
#   awk -v out=table -f keywords.awk sql_grammar.h keywords.txt         keywords.gen.inc, the C table and its hash
# A word the grammar does not use has code 0: an identifier, or TK_RESERVED if the dialect reserves it.
BEGIN {
    for (i = 1; i < 256; i++) ord[sprintf("%c", i)] = i
    slots = 4096
}
out == "table" && $1 == "#define" && $2 ~ /^TK_/ { code[substr($2, 4)] = $3; next }
/^#/ || NF < 3 { next }
{
    word = $1
    flags = $4 == "." ? "" : $4
    token = NF >= 5 ? $5 : word
    falls = flags ~ /f/ || ($2 != "R" && $3 != "R")
    if (out == "fallback") {
        if (falls && !(token in listed)) list = list " " token
        listed[token] = 1
        next
    }
    n++
    bits = ""
    if ($2 != "-") bits = bits " | KW_MYSQL"
    if ($2 == "R") bits = bits " | KW_MYSQL_RESERVED"
    if ($3 != "-") bits = bits " | KW_MARIADB"
    if ($3 == "R") bits = bits " | KW_MARIADB_RESERVED"
    if (flags ~ /a/) bits = bits " | KW_ADJACENT_PAREN"
    if (flags ~ /p/) bits = bits " | KW_BEFORE_PAREN"
    if (falls) bits = bits " | KW_FALLS_BACK"
    row[n] = sprintf("    {\"%s\", %d, %s, %s},", word, length(word), token in code ? "TK_" token : "0", substr(bits, 4))
    h = length(word)
    for (i = 1; i <= length(word); i++) h = (h * 31 + ord[substr(word, i, 1)]) % 65536
    for (h %= slots; h in slot; h = (h + 1) % slots) {}
    slot[h] = n
    if (length(word) > longest) longest = length(word)
}
END {
    if (out == "fallback") {
        print "%fallback IDENT" list "."
        exit
    }
    print "#define KEYWORD_SLOTS " slots "u"
    print "#define KEYWORD_MAX_LEN " longest
    print "static const struct keyword keywords[] = {\n    {\"\", 0, 0, 0},"
    for (i = 1; i <= n; i++) print row[i]
    print "};\nstatic const uint16_t keyword_slots[KEYWORD_SLOTS] = {"
    for (i = 0; i < slots; i++) if (i in slot) print "    [" i "] = " slot[i] ","
    print "};"
}
