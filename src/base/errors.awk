# Generates from errors.txt: with -v out=header the enum of error numbers and the message formats
# (errors.gen.h), with -v out=table the SQLSTATEs sorted by number (errors.gen.inc).
/^#/ || /^[ \t]*$/ { next }

{
    if (!match($0, /^[A-Z0-9_]+[ \t]+[0-9]+[ \t]+[0-9A-Z]+[ \t]+".*"$/) || length($3) != 5) {
        printf "%s:%d: want: SYMBOL number sqlstate \"format\"\n", FILENAME, FNR > "/dev/stderr"
        bad = 1
        exit 1
    }
    if ($2 + 0 <= last || ($1 in seen)) {
        printf "%s:%d: %s: numbers must ascend and symbols be unique\n", FILENAME, FNR, $1 > "/dev/stderr"
        bad = 1
        exit 1
    }
    format_left = substr($0, index($0, "\""))
    gsub(/%%|%-?(\.?([0-9]+|\*))?(s|d|u|lu|c|x)/, "", format_left)
    if (index(format_left, "%")) {
        printf "%s:%d: %s: only %%s %%d %%u %%lu %%c %%x are portable here\n", FILENAME, FNR, $1 > "/dev/stderr"
        bad = 1
        exit 1
    }
    last = $2 + 0
    seen[$1] = 1
    n++
    symbol[n] = $1
    number[n] = $2
    state[n] = $3
    format[n] = substr($0, index($0, "\""))
}

END {
    if (bad) {
        exit 1
    }
    if (out == "header") {
        print "/* Generated from errors.txt. */"
        print "#ifndef BASE_ERRORS_GEN_H\n#define BASE_ERRORS_GEN_H\n"
        print "enum error_code {"
        for (i = 1; i <= n; i++) {
            printf "    %s = %d,\n", symbol[i], number[i]
        }
        print "};\n"
        for (i = 1; i <= n; i++) {
            printf "#define %s_FMT %s\n", symbol[i], format[i]
        }
        print "\n#endif"
    } else {
        for (i = 1; i <= n; i++) {
            printf "{.code = %s, .sqlstate = \"%s\"},\n", symbol[i], state[i]
        }
    }
}
