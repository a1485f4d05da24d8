/*
 * sendmail_test_part: what the files of the address test mode share; nobody else
 * includes it.  All output is gathered in struct sendmail_test and written in large
 * pieces; every function here appends to it.
 *
 * Lines that are read end in a NUL behind their length, and spans handed on are the ends of
 * such lines, so strcspn and the like may be used on them.
 */
#ifndef LETTERBOX_APPLETS_SENDMAIL_TEST_PART_H
#define LETTERBOX_APPLETS_SENDMAIL_TEST_PART_H

#include "cf/cf_addr.h"
#include "service/maps.h"
#include "service/resolver.h"

/* Categories of -d that show something besides the rules (21) and maps (60). */
enum debug { DEBUG_NAMES, DEBUG_PARSE, DEBUG_CRACK, DEBUG_HEX };

/* One run of the test mode: a configuration, one evaluation of it and what it needs. */
struct sendmail_test {
	struct cf cf;
	struct cf_eval ev;
	struct cf_host host;
	struct maps maps;
	struct resolver resolver;
	const char *path; /* of the configuration, for messages */
	struct buf out;   /* not written yet */
	unsigned flags;   /* CF_ADDR_... of /try and /parse */
	int trace_fd;     /* where traces go, -1: as everything */
	bool tty, quit;
	int debug[4]; /* levels of enum debug */
};

/* Writes out what was gathered. */
void sendmail_test_flush(struct sendmail_test *t);

/* Appends text as it is, and writes first when there is much. */
void sendmail_test_say(struct sendmail_test *t, struct span s);
void sendmail_test_say_str(struct sendmail_test *t, const char *s);

/* The report and trace of struct cf_host; ctx is the struct sendmail_test. */
void sendmail_test_report(void *ctx, uint32_t line, const char *code, struct span text);
void sendmail_test_trace(void *ctx, const struct cf_trace *s);

/* Internal text as the debug levels want it, and what -d33 says about a cracked address. */
void sendmail_test_show(struct sendmail_test *t, struct span s);
void sendmail_test_show_cracked(struct sendmail_test *t, struct span addr, struct span cracked);

/* "=S0", "=M" and "$x", "$=x" lines. */
void sendmail_test_dump(struct sendmail_test *t, struct span line);
void sendmail_test_dump_value(struct sendmail_test *t, struct span line);

/* "/command argument" lines; ends in a NUL behind its length. */
void sendmail_test_slash(struct sendmail_test *t, struct span line);

/* Sets ${addr_type} from the flags of /tryflags. */
void sendmail_test_set_addr_type(struct sendmail_test *t);

#endif
