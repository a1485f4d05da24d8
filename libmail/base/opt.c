/*
 * Table-driven option parser; see base/opt.h.
 *
 * Not getopt: glibc's permutes options and operands and musl's does not, it keeps its place
 * in globals, and it prints a message of its own about an option that it does not know.
 */
#include "base/opt.h"

#include <stdio.h>
#include <string.h>

void opt_init(struct opt_state *s, const struct opt_spec *specs, int argc, char **argv,
	      bool permute)
{
	*s = (struct opt_state){
	    .specs = specs, .argv = argv, .argc = argc, .at = 1, .permute = permute};
}

static int take_argument(struct opt_state *s, const struct opt_spec *spec, const char *attached)
{
	s->value = attached;
	/*
	 * Optional arguments are attached ones only: in "-q 30m" the second word is an
	 * operand, as it is to sendmail.
	 */
	if (spec->arg != OPT_REQUIRED || attached)
		return spec->id;
	if (s->at >= s->argc)
		return OPT_MISSING;
	s->value = s->argv[s->at++];
	return spec->id;
}

static int next_long(struct opt_state *s, const char *body)
{
	const char *eq = strchr(body, '=');
	size_t len = eq ? (size_t)(eq - body) : strlen(body);

	/*
	 * Kept for messages, so cut: the name comes from the command line and may be of
	 * any length.
	 */
	snprintf(s->word, sizeof s->word, "--%.*s", (int)(len < 56 ? len : 56), body);
	for (const struct opt_spec *spec = s->specs; spec->id; spec++)
		if (spec->name && strlen(spec->name) == len && memcmp(spec->name, body, len) == 0)
			return take_argument(s, spec, eq ? eq + 1 : NULL);
	return OPT_UNKNOWN;
}

static int next_short(struct opt_state *s)
{
	char letter = *s->bundle++;
	const char *rest = *s->bundle ? s->bundle : NULL;

	if (!rest)
		s->bundle = NULL;
	snprintf(s->word, sizeof s->word, "-%c", letter);
	/*
	 * Letters are looked up one at a time: in "-vbd" each is an option until one takes
	 * the rest of the word as its argument.
	 */
	for (const struct opt_spec *spec = s->specs; spec->id; spec++) {
		if (spec->letter != letter)
			continue;
		if (spec->arg == OPT_NONE)
			return spec->id;
		s->bundle = NULL;
		return take_argument(s, spec, rest);
	}
	return OPT_UNKNOWN;
}

int opt_next(struct opt_state *s)
{
	const char *word;

	s->value = NULL;
	if (s->bundle)
		return next_short(s);
	if (s->at >= s->argc)
		return OPT_END;
	word = s->argv[s->at];
	/* A lone "-" is an operand, by custom standard input. */
	if (s->ended || word[0] != '-' || word[1] == '\0') {
		if (!s->permute)
			return OPT_END;
		s->value = word;
		s->at++;
		return OPT_OPERAND;
	}
	s->at++;
	if (strcmp(word, "--") == 0) {
		s->ended = true;
		/*
		 * One level deep at most: with ended set, the call returns the next word
		 * as an operand.
		 */
		return s->permute ? opt_next(s) : OPT_END;
	}
	if (word[1] == '-')
		return next_long(s, word + 2);
	s->bundle = word + 1;
	return next_short(s);
}
