#!/usr/bin/env perl
# Makes the tables of collations: collations.pl DIRECTORY > collation_tables.gen.c
# DIRECTORY holds the measured tables. types/collation_int.h says what codes, leads and entries are.
use strict;
use warnings;

my $dir = shift // die "usage: collations.pl DIRECTORY\n";
use constant { EXPANSION => 1 << 24, IMPLICIT => 2 << 24, IDENTITY => 3 << 24, HANGUL => 4 << 24, STARTS => 1 << 31 };
use constant { PAGE => 64, LAST => 0x10FFFF };

sub lines_of {
    my ($name) = @_;
    open my $in, '<', "$dir/$name" or die "$dir/$name: $!\n";
    my @lines = grep { !/^#/ } <$in>;
    chomp @lines;
    return @lines;
}

sub number_list {
    my @rows;
    while (my @part = splice @_, 0, 16) { push @rows, join ',', @part }
    return join ",\n", @rows;
}

# Gives each weight a code. $ascii: weights of the 128 ASCII characters (undef: ignorable); $all: {weight => 1}.
# Returns a function from weight to code, the lead above ASCII, and the code of a space.
sub rank {
    my ($ascii, $all) = @_;
    my %class = map { $_ => 1 } grep { defined } @$ascii;
    my @order = sort { $a <=> $b } keys %class;
    my @others = sort { $a <=> $b } grep { !$class{$_} } keys %$all;
    my ($lead, $space, %code, @gaps) = (0);
    for my $weight (@order) {
        if (@others && $others[0] < $weight) {
            $lead++;
            $code{shift @others} = -$lead while @others && $others[0] < $weight;
        }
        $lead += $weight == $ascii->[32] ? 3 : 1;
        $code{$weight} = $lead << 16;
    }
    $lead++;
    die "too many classes\n" if $lead > 250;
    my $of = sub {
        my ($weight) = @_;
        my $code = $code{$weight} // -$lead;
        return $code > 0 ? $code : (-$code << 16) | $weight;
    };
    return ($of, $lead, $code{$ascii->[32]});
}

sub ascii_tables {
    my ($name, $codes, $space) = @_;
    for my $pad (0, 1) {
        # What sorts below a space needs a look at the spaces before it, and what equals one may be padding.
        my @bytes = map {
            my $c = $codes->[$_];
            $pad && ($c < $space || ($c == $space && $_ != 32)) ? 0 : $c >> 16
        } 0 .. 127;
        printf "static const struct collation_ascii ascii_%s_%s = {.end = %d, .code = {\n%s}};\n",
            $name, $pad ? 'pad' : 'nopad', $pad ? ($space >> 16) - 1 : 0, number_list(@bytes);
    }
}

sub hex_list { return map { hex } split ' ', $_[0] // '' }

# Reads a table of weights into [entry text per code point], with weights still as numbers.
sub read_weights {
    my ($name) = @_;
    my (@entry, @contractions);
    for (lines_of("weights_$name.txt")) {
        if (/^c (.*) = (.*)$/) {
            push @contractions, [[hex_list($1)], [hex_list($2)]];
            next;
        }
        my ($first, $count, $how, $rest) = /^([0-9a-f]+)(?:\+([0-9a-f]+))? ([=+ih])\s*(.*)$/ or die "$name: $_\n";
        my @w = hex_list($rest);
        $count = defined $count ? hex $count : 1;
        for my $i (0 .. $count - 1) {
            my $cp = hex($first) + $i;
            if ($how eq 'h') { $entry[$cp] = 'h' }
            elsif ($how eq 'i') { $entry[$cp] = "i$w[0]" }
            else {
                my @own = @w;
                $own[-1] += $i if $how eq '+';
                $entry[$cp] = @own == 1 && $own[0] == $cp && $cp > 127 ? 'd' : \@own;
            }
        }
    }
    return (\@entry, [sort { "@{[map { sprintf '%06x', $_ } @{$a->[0]}]}" cmp "@{[map { sprintf '%06x', $_ } @{$b->[0]}]}" } @contractions]);
}

sub weight_table {
    my ($name) = @_;
    my ($entry, $contractions) = read_weights($name);
    my %all;
    for my $list (map({ ref $_ ? $_ : () } @$entry), map { $_->[1] } @$contractions) { $all{$_} = 1 for @$list }
    my ($code_of, $top, $space) = rank([map { $entry->[$_][0] } 0 .. 127], \%all);

    my (@expansions, %place);
    my $expand = sub {
        my @codes = map { $code_of->($_) } @_;
        my $key = "@codes";
        if (!exists $place{$key}) { $place{$key} = @expansions; push @expansions, @codes }
        die "expansion out of reach\n" if $place{$key} >= 1 << 20 || @codes > 15;
        return EXPANSION | @codes << 20 | $place{$key};
    };
    my %starts = map { $_->[0][0] => 1 } @$contractions;
    my (@index, @pages, %page_of);
    for (my $first = 0; $first <= LAST; $first += PAGE) {
        my @page;
        for my $cp ($first .. $first + PAGE - 1) {
            my $e = $entry->[$cp];
            my $value = !defined $e ? 0
                : $e eq 'd' ? IDENTITY
                : $e eq 'h' ? HANGUL
                : !ref $e ? IMPLICIT | substr $e, 1
                : @$e == 0 ? 0
                : @$e == 1 ? $code_of->($e->[0])
                : $expand->(@$e);
            push @page, $value | ($starts{$cp} ? STARTS : 0);
        }
        my $key = join ',', @page;
        if (!exists $page_of{$key}) { $page_of{$key} = @pages; push @pages, $key }
        push @index, $page_of{$key};
    }
    my @rows = map {
        my @cp = (@{$_->[0]}, 0, 0);
        sprintf "{{%s},%d}", join(',', @cp[0 .. 2]), $expand->(@{$_->[1]}) & 0xFFFFFF;
    } @$contractions;
    printf "static const uint16_t index_%s[] = {\n%s};\n", $name, number_list(@index);
    printf "static const uint32_t pages_%s[][WEIGHT_PAGE] = {\n%s};\n", $name, join ",\n", map { "{$_}" } @pages;
    printf "static const uint32_t expansions_%s[] = {\n%s};\n", $name, number_list(@expansions, 0);
    printf "static const struct contraction contractions_%s[] = {\n%s};\n", $name, join ",\n", @rows, '{{0},0}';
    printf "static const struct weight_table weights_%s = {.index = index_%s, .pages = pages_%s, .expansions = " .
        "expansions_%s, .contractions = contractions_%s, .ncontractions = %d, .top_lead = %d, .like_exact = %s, .space = %d};\n",
        ($name) x 5, scalar @rows, $top, $name eq 'uca400' ? 'true' : 'false', $space;
    ascii_tables($name, [map { @{$entry->[$_]} ? $code_of->($entry->[$_][0]) : 0 } 0 .. 127], $space);
}

# A collation of a single-byte character set. $weights: of the 256 bytes. $ascii_at: {code point => byte} below 128.
sub byte_scheme {
    my ($name, $weights, $map) = @_;
    my %all = map { $_ => 1 } @$weights;
    my @ascii;
    for my $b (0 .. 255) {
        next if $map->[$b] eq '-' || hex $map->[$b] > 127;
        $ascii[hex $map->[$b]] //= $weights->[$b];
    }
    my ($code_of, $top, $space) = rank(\@ascii, \%all);
    # Weight 0 has no tail of its own: it can only be an ASCII class.
    printf "static const uint32_t codes_%s[256] = {\n%s};\n", $name, number_list(map { $code_of->($_) } @$weights);
    printf "static const struct weight_table weights_%s = {.top_lead = %d, .space = %d};\n", $name, $top, $space;
    ascii_tables($name, [map { defined $ascii[$_] ? $code_of->($ascii[$_]) : 0 } 0 .. 127], $space);
}

sub case_table {
    my ($name) = @_;
    my %pairs;
    for (lines_of("case_$name.txt")) {
        my ($first, $count, $step, $up, $low) = /^([0-9a-f]+)\+([0-9a-f]+)\/(\d) (-?\d+) (-?\d+)$/ or die "$_\n";
        for my $i (0 .. hex($count) - 1) {
            my $cp = hex($first) + $i * $step;
            $pairs{$cp} = sprintf '{%d,%d,%d}', $cp, $cp + $up, $cp + $low;
        }
    }
    my @pairs = map { $pairs{$_} } sort { $a <=> $b } keys %pairs;
    printf "static const struct case_pair case_pairs_%s[] = {\n%s};\n", $name, number_list(@pairs);
    printf "static const struct case_table case_%s = {.pairs = case_pairs_%s, .npairs = %d, .in_place = %s};\n",
        $name, $name, scalar @pairs, $name eq '0900' ? 'true' : 'false';
}

sub blocks_of {
    my ($name) = @_;
    my (%blocks, $current);
    for (lines_of($name)) {
        if (/^(\S+)$/) { $current = $1; $blocks{$current} = '' }
        else { $blocks{$current} .= $_ }
    }
    return \%blocks;
}

print "/* Made by gen/collations.pl. */\n#include \"types/collation_int.h\"\n\n";

my $charset_maps = blocks_of('charsets_8bit.txt');
my $byte_weights = blocks_of('collations_8bit.txt');
my %charset_index;
for (lines_of('charsets.txt')) { $charset_index{(split)[0]} = keys %charset_index }

print "extern const struct charset_bytes charset_bytes_$_;\n" for sort keys %$charset_maps;
weight_table($_) for qw(0900 0900_level2 0900_level3 general uca400 uca520 uca1400);
case_table($_) for qw(0900 general uca520 uca1400);
for my $pad (0, 1) {
    my @bytes = map { !$pad ? $_ : $_ > 0x20 && $_ <= 0xF4 ? $_ + 2 : $_ == 0x20 ? 0x22 : 0 } 0 .. 255;
    printf "static const struct collation_ascii ascii_utf8_%s = {.end = %d, .code = {\n%s}};\n",
        $pad ? 'pad' : 'nopad', $pad ? 0x21 : 0, number_list(@bytes);
}
print "static const struct collation_scheme scheme_binary = {.kind = SCHEME_BYTES, .ascii = &ascii_utf8_nopad};\n";
print "static const struct collation_scheme scheme_0900_bin = {.kind = SCHEME_BYTES, .ascii = &ascii_utf8_nopad, " .
    ".cases = &case_0900};\n";

# The levels behind the first: accents, and with them or not letter case.
print "static const struct collation_scheme scheme_case = {.kind = SCHEME_WEIGHTS, .weights = &weights_0900_level3};\n";
for (['as_cs', '&scheme_case'], ['as_ci', 'NULL']) {
    my ($name, $next) = @$_;
    print "static const struct collation_scheme scheme_accents_$name = {.kind = SCHEME_WEIGHTS, " .
        ".weights = &weights_0900_level2, .next = $next};\n";
    print "static const struct collation_scheme scheme_0900_$name = {.kind = SCHEME_WEIGHTS, .weights = &weights_0900, " .
        ".ascii = &ascii_0900_nopad, .cases = &case_0900, .next = &scheme_accents_$name};\n";
}

# Which scheme a collation's name stands for, without the character set and "nopad".
my %unicode_scheme = ('0900_ai_ci' => ['0900', '0900'], general_ci => ['general', 'general'],
    unicode_ci => ['uca400', 'general'], unicode_520_ci => ['uca520', 'uca520'], uca1400_ai_ci => ['uca1400', 'uca1400']);
my %unicode_charset = map { $_ => 1 } qw(utf8mb4 utf8mb3 ucs2 utf16 utf16le utf32);

my %made;
sub scheme_for {
    my ($name, $cs, $pad) = @_;
    return 'scheme_binary' if $name eq 'binary';
    return "scheme_0900_$1" if $name =~ /^utf8mb4_0900_(bin|as_cs|as_ci)$/;
    (my $base = $name) =~ s/_nopad//;
    (my $short = $base) =~ s/^${cs}_//;
    my $suffix = $pad ? 'pad' : 'nopad';
    my $padding = $pad ? 'true' : 'false';
    if ($unicode_charset{$cs}) {
        my ($body, $id);
        if ($short eq 'bin') {
            $id = "scheme_utf8_$suffix";
            $body = ".kind = SCHEME_UTF8, .ascii = &ascii_utf8_$suffix, .cases = &case_general";
        } elsif (my $u = $unicode_scheme{$short}) {
            $id = "scheme_$u->[0]_$suffix";
            $body = ".kind = SCHEME_WEIGHTS, .weights = &weights_$u->[0], .ascii = &ascii_$u->[0]_$suffix, " .
                ".cases = &case_$u->[1]";
        } else { return undef }
        print "static const struct collation_scheme $id = {.pad = $padding, $body};\n" if !$made{$id}++;
        return $id;
    }
    my $map = $charset_maps->{$cs} or return undef;
    my @map = split ' ', $map;
    my @weights;
    if ($short eq 'bin') { @weights = 0 .. 255 }
    elsif ($byte_weights->{$base}) { @weights = map { hex } $byte_weights->{$base} =~ /([0-9A-F]{2})/g }
    else { return undef }
    byte_scheme($base, \@weights, \@map) if !$made{$base}++;
    my $id = "scheme_${base}_$suffix";
    print "static const struct collation_scheme $id = {.kind = SCHEME_BYTE_WEIGHTS, .pad = $padding, .weights = " .
        "&weights_$base, .byte_codes = codes_$base, .bytes = &charset_bytes_$cs, .ascii = &ascii_${base}_$suffix};\n"
        if !$made{$id}++;
    return $id;
}

my @rows;
for (lines_of('collations.txt')) {
    my ($id, $name, $cs, $sortlen, $flags) = split ' ';
    my $scheme = scheme_for($name, $cs, $flags !~ /n/);
    my @flags = ('0');
    push @flags, 'COLLATION_IN_MYSQL' if $flags =~ /m/;
    push @flags, 'COLLATION_IN_MARIADB' if $flags =~ /a/;
    push @flags, 'COLLATION_DEFAULT_MYSQL' if $flags =~ /M/;
    push @flags, 'COLLATION_DEFAULT_MARIADB' if $flags =~ /A/;
    push @flags, 'COLLATION_NO_PAD' if $flags =~ /n/;
    push @flags, 'COLLATION_BIN' if $name =~ /_bin$|^binary$/;
    push @rows, [$name, sprintf '{.id = %d, .flags = %s, .sortlen = %d, .name = STR_INIT("%s"), ' .
        '.charset = &charset_table[%d], .scheme = %s},', $id, join(' | ', @flags), $sortlen, $name,
        $charset_index{$cs}, defined $scheme ? "&$scheme" : 'NULL'];
}
print "const struct collation collation_table[] = {\n", map({ "$_->[1]\n" } @rows), "};\n";
print "const size_t collation_table_len = ARRAY_SIZE(collation_table);\n";
my @by_name = sort { $rows[$a][0] cmp $rows[$b][0] || $a <=> $b } 0 .. $#rows;
print "const uint16_t collation_by_name[] = {\n", number_list(@by_name), "};\n";
