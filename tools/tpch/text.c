#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS(...)                                                                                 \
    {(const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)}

/* clang-format off */
const struct words tpch_colours = WORDS(
    "almond", "antique", "aquamarine", "azure", "beige", "bisque", "black", "blanched", "blue", "blush",
    "brown", "burlywood", "burnished", "chartreuse", "chiffon", "chocolate", "coral", "cornflower",
    "cornsilk", "cream", "cyan", "dark", "deep", "dim", "dodger", "drab", "firebrick", "floral", "forest",
    "frosted", "gainsboro", "ghost", "goldenrod", "green", "grey", "honeydew", "hot", "indian", "ivory",
    "khaki", "lace", "lavender", "lawn", "lemon", "light", "lime", "linen", "magenta", "maroon", "medium",
    "metallic", "midnight", "mint", "misty", "moccasin", "navajo", "navy", "olive", "orange", "orchid",
    "pale", "papaya", "peach", "peru", "pink", "plum", "powder", "puff", "purple", "red", "rose", "rosy",
    "royal", "saddle", "salmon", "sandy", "seashell", "sienna", "sky", "slate", "smoke", "snow", "spring",
    "steel", "tan", "thistle", "tomato", "turquoise", "violet", "wheat", "white", "yellow");
const struct words tpch_type_1 = WORDS("STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO");
const struct words tpch_type_2 = WORDS("ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED");
const struct words tpch_type_3 = WORDS("TIN", "NICKEL", "BRASS", "STEEL", "COPPER");
const struct words tpch_container_1 = WORDS("SM", "LG", "MED", "JUMBO", "WRAP");
const struct words tpch_container_2 = WORDS("CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM");
const struct words tpch_segments = WORDS("AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD");
const struct words tpch_priorities = WORDS("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW");
const struct words tpch_instructions = WORDS("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN");
const struct words tpch_modes = WORDS("REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB");

/*
 * The parts of speech. The specification lists the words and leaves their frequencies open; queries 13 and 16
 * look for "special", "requests", "Customer" and "Complaints". A part of speech is therefore two lists, of which
 * the first is drawn three times in four: everyday words that make up most of the text, and rare ones.
 */
static const struct words nouns[] = {
    WORDS("packages", "requests", "accounts", "deposits", "packages", "requests", "accounts", "deposits",
          "foxes", "ideas", "theodolites", "pinto beans", "instructions", "dependencies"),
    WORDS("excuses", "platelets", "asymptotes", "courts", "dolphins", "multipliers", "sauternes", "warthogs",
          "frets", "dinos", "attainments", "somas", "Tiresias'", "patterns", "forges", "braids", "frays",
          "warhorses", "dugouts", "notornis", "epitaphs", "pearls", "tithes", "waters", "orbits", "gifts",
          "sheaves", "depths", "sentiments", "decoys", "realms", "pains", "grouches", "escapades",
          "hockey players"),
};
static const struct words verbs[] = {
    WORDS("sleep", "wake", "are", "cajole", "haggle", "nag", "use", "boost", "affix", "detect", "integrate"),
    WORDS("maintain", "nod", "was", "lose", "sublate", "solve", "thrash", "promise", "engage", "hinder",
          "print", "x-ray", "breach", "eat", "grow", "impress", "mold", "poach", "serve", "run", "dazzle",
          "snooze", "doze", "unwind", "kindle", "play", "hang", "believe", "doubt"),
};
static const struct words adjectives[] = {
    WORDS("special", "pending", "unusual", "express", "regular", "final", "ironic", "even", "bold", "silent",
          "regular", "final", "ironic", "regular"),
    WORDS("furious", "sly", "careful", "blithe", "quick", "fluffy", "slow", "quiet", "ruthless", "thin",
          "close", "dogged", "daring", "brave", "stealthy", "permanent", "enticing", "idle", "busy"),
};
static const struct words adverbs[] = {
    WORDS("furiously", "slyly", "carefully", "blithely", "quickly", "fluffily", "slowly", "quietly"),
    WORDS("sometimes", "always", "never", "ruthlessly", "thinly", "closely", "doggedly", "daringly",
          "bravely", "stealthily", "permanently", "enticingly", "idly", "busily", "regularly", "finally",
          "ironically", "evenly", "boldly", "silently"),
};
static const struct words prepositions[] = {
    WORDS("about", "above", "according to", "across", "after", "against", "along", "among", "around", "at"),
    WORDS("alongside of", "atop", "before", "behind", "beneath", "beside", "besides", "between", "beyond",
          "by", "despite", "during", "except", "for", "from", "in place of", "inside", "instead of", "into",
          "near", "of", "on", "outside", "over", "past", "since", "through", "throughout", "to", "toward",
          "under", "until", "up", "upon", "without", "with", "within"),
};
static const struct words auxiliaries[] = {
    WORDS("do", "may", "might", "shall", "will", "would", "can", "could", "should"),
    WORDS("ought to", "must", "will have to", "shall have to", "could have to", "should have to",
          "must have to", "need to", "try to"),
};
static const struct words terminators[] = {
    WORDS("."),
    WORDS(";", ":", "?", "!", "--"),
};

/*
 * The grammar: a sentence form is a string of phrases, a phrase form one of words. N noun, V verb, J adjective,
 * D adverb, X auxiliary, P preposition, t "the", comma a comma; n, v and p stand for a noun, verb and
 * prepositional phrase.
 */
static const char *const sentences[] = {"nv", "nvp", "nvn", "npvn", "npvp"};
static const char *const noun_phrases[] = {"N", "JN", "J,JN", "DJN"};
static const char *const verb_phrases[] = {"V", "XV", "VD", "XVD"};
/* clang-format on */

/* The specification asks for a text of 300 MB; this much repeats a piece seldom enough. */
enum {
    TEXT_SIZE = 24 * 1024 * 1024,
    TEXT_SLACK = 1024
};

static char *text;

const char *words_pick(const struct words *w, struct rng *r)
{
    return w->word[rng_below(r, w->count)];
}

struct pen {
    struct rng rng;
    size_t used;
};

static void pen_string(struct pen *p, const char *s)
{
    size_t len = strlen(s);

    memcpy(text + p->used, s, len);
    p->used += len;
}

/* A word of a part of speech, after a space unless it begins the text. */
static void pen_word(struct pen *p, const struct words part[2])
{
    if (p->used > 0) {
        text[p->used++] = ' ';
    }
    pen_string(p, words_pick(&part[rng_below(&p->rng, 4) == 0], &p->rng));
}

static void pen_phrase(struct pen *p, const char *form)
{
    for (; *form != '\0'; form++) {
        switch (*form) {
        case 'N':
            pen_word(p, nouns);
            break;
        case 'V':
            pen_word(p, verbs);
            break;
        case 'J':
            pen_word(p, adjectives);
            break;
        case 'D':
            pen_word(p, adverbs);
            break;
        case 'X':
            pen_word(p, auxiliaries);
            break;
        default:
            pen_string(p, ",");
            break;
        }
    }
}

static void pen_sentence(struct pen *p, const char *form)
{
    for (; *form != '\0'; form++) {
        if (*form == 'v') {
            pen_phrase(p, verb_phrases[rng_below(&p->rng, 4)]);
            continue;
        }
        if (*form == 'p') {
            pen_word(p, prepositions);
            pen_string(p, " the");
        }
        pen_phrase(p, noun_phrases[rng_below(&p->rng, 4)]);
    }
    pen_string(p, words_pick(&terminators[rng_below(&p->rng, 4) == 0], &p->rng));
}

void text_init(void)
{
    struct pen p = {rng_of(0, 0), 0};

    text = malloc(TEXT_SIZE + TEXT_SLACK);
    if (text == NULL) {
        fputs("tpchgen: out of memory\n", stderr);
        exit(1);
    }
    while (p.used < TEXT_SIZE) {
        pen_sentence(&p, sentences[rng_below(&p.rng, 5)]);
    }
}

void text_release(void)
{
    free(text);
    text = NULL;
}

const char *text_piece(struct rng *r, size_t len)
{
    return text + rng_below(r, TEXT_SIZE - len);
}
