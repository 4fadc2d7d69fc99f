#!/usr/bin/env perl
# Makes the tables of character sets: charsets.pl DIRECTORY > charset_tables.gen.c
# DIRECTORY holds charsets.txt, charsets_8bit.txt, case_8bit.txt and collations.txt.
use strict;
use warnings;

my $dir = shift // die "usage: charsets.pl DIRECTORY\n";

sub lines_of {
    my ($name) = @_;
    open my $in, '<', "$dir/$name" or die "$dir/$name: $!\n";
    my @lines = grep { !/^#/ } <$in>;
    chomp @lines;
    return @lines;
}

# Tables with a name on a line of its own and indented rows below it: {name => "row row ..."}.
sub blocks_of {
    my ($name) = @_;
    my (%blocks, $current);
    for (lines_of($name)) {
        if (/^(\S+)$/) { $current = $1; $blocks{$current} = '' }
        else { $blocks{$current} .= $_ }
    }
    return \%blocks;
}

my (%default_mysql, %default_mariadb);
for (lines_of('collations.txt')) {
    my ($id, undef, $cs, undef, $flags) = split ' ';
    $default_mysql{$cs} = $id if $flags =~ /M/;
    $default_mariadb{$cs} = $id if $flags =~ /A/;
}

# Exceptions: lines "to CODE CODE_POINT" and "from CODE_POINT CODE" below the character set's name, - for none.
my %exceptions;
my $of;
for (lines_of('charsets_multi.txt')) {
    if (/^(\w+)$/) { $of = $1; next }
    my ($direction, $from, $to) = split ' ';
    push @{$exceptions{$of}{$direction}}, [hex $from, $to eq '-' ? 0 : hex $to];
}

sub exceptions {
    my ($name, $direction) = @_;
    my @list = sort { $a->[0] <=> $b->[0] } @{$exceptions{$name}{$direction} // []};
    printf "static const struct charset_exception %s_%s[] = {%s};\n", $direction, $name,
        join ',', (map { '{' . join(',', $direction eq 'to' ? @$_ : reverse @$_) . '}' } @list), '{0,0}';
    return scalar @list;
}

my %has_private = map { $_ => 1 } qw(cp932 eucjpms gb18030 ujis);

my $maps = blocks_of('charsets_8bit.txt');
my $cases = blocks_of('case_8bit.txt');
my %shape = (big5 => 'BIG5', cp932 => 'SJIS', sjis => 'SJIS', eucjpms => 'EUCJP', ujis => 'EUCJP',
    euckr => 'EUCKR', gb18030 => 'GB18030', gb2312 => 'GB2312', gbk => 'GBK');

print "/* Made by gen/charsets.pl. */\n#include \"types/charset_int.h\"\n\n";

my @rows;
my $multi = 0;
for (lines_of('charsets.txt')) {
    my ($name, $kind, $min, $max, $icu, $description) = split ' ', $_, 6;
    my ($bytes, $shape) = ('NULL', 'NULL');
    if ($kind eq 'BYTE') {
        my @map = split ' ', $maps->{$name};
        my %cells;
        for my $b (reverse 0 .. 255) {
            # Several bytes of tis620 stand for U+FFFD, and the last is what the server writes for it.
            next if $map[$b] eq 'fffd' && $cells{0xFFFD};
            $cells{hex $map[$b]} = $b if $map[$b] ne '-' && ($b > 127 || hex $map[$b] != $b);
        }
        my @points = sort { $a <=> $b } keys %cells;
        my $ascii = (grep { $map[$_] eq '-' || hex $map[$_] != $_ } 0 .. 127) ? 'false' : 'true';
        printf "static const struct charset_cell cells_%s[] = {%s};\n", $name,
            join ',', (map { "{$_,$cells{$_}}" } @points), '{0,0}';
        (my $digits = $cases->{$name}) =~ s/\s//g;
        my @case = map { hex } unpack '(A2)*', $digits;
        printf "const struct charset_bytes charset_bytes_%s = {.is_ascii = %s, .ncells = %d, .cells = cells_%s,\n",
            $name, $ascii, scalar @points, $name;
        printf ".to_unicode = {%s},\n", join ',', map { $_ eq '-' ? 'CHARSET_NO_CHARACTER' : hex } @map;
        printf ".upper = {%s},\n.lower = {%s}};\n", join(',', @case[0 .. 255]), join(',', @case[256 .. 511]);
        $bytes = "&charset_bytes_$name";
    }
    if ($kind eq 'MULTIBYTE') {
        my ($to, $from) = map { exceptions($name, $_) } qw(to from);
        printf "static const struct charset_multi multi_%s = {%d, CHARSET_SHAPE_%s, %s, \"%s\", to_%s, %d, from_%s, %d};\n",
            $name, $multi++, $shape{$name}, $has_private{$name} ? 'true' : 'false', $icu, $name, $to, $name, $from;
        $shape = "&multi_$name";
    }
    push @rows, sprintf "{.id = %d, .mariadb_id = %d, .kind = CHARSET_%s, .min_len = %d, .max_len = %d, " .
        ".little_endian = %s, .name = STR_INIT(\"%s\"), .description = STR_INIT(\"%s\"), .bytes = %s, .multi = %s},",
        $default_mysql{$name}, $default_mariadb{$name} // $default_mysql{$name}, $kind, $min, $max,
        $name eq 'utf16le' ? 'true' : 'false', $name, $description, $bytes, $shape;
}
print "const struct charset charset_table[] = {\n", join("\n", @rows), "\n};\n";
print "const size_t charset_table_len = ARRAY_SIZE(charset_table);\n";
