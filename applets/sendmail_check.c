/*
 * sendmail -bC: what is wrong with a sendmail.cf.  Messages and exit status are sendmail's; behind
 * each stand the place in the line, what was expected there and what to do.
 *
 * The engine names a line only, the last one of those that belong together; the place is looked
 * for by what the message quotes.
 */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "sendmail.h"

/* By a part of the message: what should stand there, what helps. */
static const struct {
	const char *part, *expected, *hint;
} advice[] = {
    {"tab expected", "left side, one tab or more, right side",
     "blanks do not part the sides of a rule: put a tab there"},
    {"unknown option name", "the long name of an option of sendmail 8.17",
     "the line has no effect; see sendmail.8 for the names, letters stand behind -o only"},
    {"ambiguous option name", "a name that only one option begins with", "write it out"},
    {"null option name", "\"O Name=value\"", "put a name behind the O"},
    {"replacement $", "$1 to $9, no more than the left side has $* $+ $- $= $~",
     "count the patterns of the left side"},
    {"Inappropriate use of", "an operator of this side of a rule",
     "left: $* $+ $- $@ $=x $~x $&x; right: $1 $@ $: $# $> $( $) $[ $] $&x"},
    {"too many wildcards", "at most nine of $* $+ $- $= $~", "part the rule into two"},
    {"null LHS", "a left side", "$@ alone matches an empty address"},
    {"null RHS", "a right side behind the tab", "$@ alone makes the address empty"},
    {"invalid ruleset name", "a name of letters, digits and _, or a number", "correct the name"},
    {"bad ruleset", "a number from 0 to 99", "give the ruleset a name"},
    {"ruleset changed value", "the number that the name has already",
     "leave the number out where the name is used again"},
    {"missing valid ruleset", "an S line before the first rule", "correct the S line above"},
    {"has multiple definitions", "one S line for each ruleset", "the rules were appended"},
    {"Unbalanced {", "} behind the name", "close the brace"},
    {"Invalid macro/class character", "letters, digits and _ between { and }", "correct the name"},
    {"Name required for macro", "a letter, or {name}", "name the macro or class"},
    {"too many long names", "96 names in braces at most", "use one-letter names for some"},
    {"unknown mailer equate", "P= F= S= R= E= L= C= M= A= T= Q= N= D= U= W= m= r= /=",
     "the mailer is not defined: correct the letter"},
    {"`=' expected", "letter=value, parted by commas", "quote a comma by a backslash"},
    {"argument required", "a mailer with P=path and A=words", "the mailer is not defined: add it"},
    {"unknown queue", "a queue group that a Q line above defines", "add the Q line"},
    {"not available", "a class of maps that is built in",
     "look-ups in this map find nothing; see sendmail.8 for the classes"},
    {"no map class", "\"Kname class arguments\"", "name the class"},
    {"no map name", "\"Kname class arguments\"", "name the map"},
    {"unknown member map", "a map that a K line above defines", "move this line behind it"},
    {"Illegal option", "a letter that this class of maps has", "the letter has no effect"},
    {"header syntax error", "\"Name: value\"", "the line has no effect"},
    {"Invalid time unit", "a number and one of s m h d w", "correct the letter"},
    {"unknown user", "a user of this host", "correct the name, or add the user"},
    {"too few parameters", "A=TCP $h, or A=FILE and a path", "the mailer is not defined"},
    {"map closing token", "$) or $] behind the key", "close it"},
    {"No file name", "a file name behind the flags", "add it"},
    {"cannot open", "a file that can be read", "-o before the name makes it optional"},
    {"unknown configuration line", "one of V D C F K M P R S T H E L O Q X, # or a blank first",
     "continuation lines begin with a blank or a tab"},
    {"invalid argument to V line", "\"V10/Vendor\"", "the newest level is 10"},
    {"invalid V line vendor", "Berkeley or Debian", "leave the vendor out"},
    {"recursion", "macros that do not contain themselves", "use $&x where a value changes"},
    {"should specify a number", "a column number from 0", "correct the flag"},
    {"pattern-compile-error", "a regular expression of POSIX", "correct the pattern"},
};

/* Set once, before the file is read: its messages come without a context. */
static struct span file_text;

/* Numbers are counted from 1. */
static struct span line_of(struct span text, uint32_t number)
{
	while (--number && text.len)
		span_cut(&text, '\n');
	return span_cut(&text, '\n');
}

static size_t find(struct span line, struct span what)
{
	for (size_t i = 0; what.len && i + what.len <= line.len; i++)
		if (span_starts(span_skip(line, i), what))
			return i;
	return line.len;
}

/* The text between the last two marks, or nothing. */
static struct span quoted(struct span message, char mark)
{
	size_t end = message.len, start;

	while (end && message.ptr[end - 1] != mark)
		end--;
	start = end > 1 ? end - 1 : 0;
	while (start && message.ptr[start - 1] != mark)
		start--;
	return start ? span_make(message.ptr + start, end - 1 - start) : SPAN("");
}

/* What the message is about: what it quotes, "class NAME", "$2", else its last word. */
static struct span subject(struct span message)
{
	static const struct span class = {"class ", 6};
	struct span s = quoted(message, '"');
	size_t at = find(message, class);

	if (find(message, SPAN("tab expected")) < message.len)
		return SPAN(" ");
	if (!s.len)
		s = quoted(message, '\'');
	if (!s.len && at < message.len) {
		s = span_skip(message, at + class.len);
		s = span_head(s, span_index(s, ' '));
	}
	if (!s.len && span_index(message, '$') < message.len)
		s = span_head(span_skip(message, span_index(message, '$')), 2);
	for (at = message.len; !s.len && at && message.ptr[at - 1] != ' ';)
		at--;
	return s.len ? s : span_skip(message, at);
}

static void show_place(uint32_t number, struct span message)
{
	struct span what = subject(message), line;
	uint32_t first = number;
	size_t at;

	while (first > 1 && (line = line_of(file_text, first)).len && ascii_is_blank(line.ptr[0]))
		first--;
	for (uint32_t n = first; n <= number; n++) {
		line = line_of(file_text, n);
		at = find(line, what);
		if (at < line.len || n == number) {
			printf("    %5u | %.*s\n", (unsigned)n, SPAN_ARG(line));
			printf("    column %u\n", (unsigned)(at < line.len ? at + 1 : 1));
			return;
		}
	}
}

/* "NAME: line N: message"; what is about no line has no such part. */
static void split(const char *text, uint64_t *number, struct span *message)
{
	const char *at = strstr(text, ": line ");
	struct span rest = span_str(at ? at + 7 : "");
	struct span digits = span_cut(&rest, ':');

	*message = span_trim(rest);
	if (!num_parse(digits, UINT32_MAX, number))
		*number = 0;
}

void sendmail_check_tell(const char *text)
{
	uint64_t number;
	struct span message;

	/* Operators of a quoted rule have no octets to show. */
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p & 0xe0) != 0x80)
			putchar(*p);
	putchar('\n');
	split(text, &number, &message);
	if (number)
		show_place((uint32_t)number, message);
	for (size_t i = 0; i < sizeof advice / sizeof advice[0]; i++) {
		if (!strstr(text, advice[i].part))
			continue;
		printf("    expected: %s\n    hint: %s\n", advice[i].expected, advice[i].hint);
		return;
	}
}

void sendmail_check_start(struct span text)
{
	file_text = text;
}
