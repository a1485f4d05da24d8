/*
 * mail_compose: what reading a letter from the user and its ~ escapes share.
 *
 * The letter's body file stands at its end whenever one of these returns, so that the next
 * line is appended.
 */
#ifndef LETTERBOX_APPLETS_MAIL_COMPOSE_H
#define LETTERBOX_APPLETS_MAIL_COMPOSE_H

#include "mail.h"

/* A line, or piece of one, as mail_input_line hands it out. */
enum { MAIL_COMPOSE_LINE_MAX = 65536 + 1 };

enum mail_escape_result {
	MAIL_ESCAPE_GO,   /* read on */
	MAIL_ESCAPE_SEND, /* ~. */
	MAIL_ESCAPE_QUIT, /* ~q: give up, keep the text in dead.letter */
	MAIL_ESCAPE_EXIT, /* ~x: give up */
};

/* Runs the escape in line, whose first octet is the escape character (mail_escape.c). */
enum mail_escape_result mail_escape(struct mail *m, struct mail_letter *l, struct buf *line);

/* Prints prompt, with the present answer in brackets, and reads one; an empty line keeps it. */
bool mail_compose_ask(struct mail *m, const char *prompt, struct buf *answer);

/* Appends a file's text to the body; "-" is the rest of standard input. */
bool mail_compose_insert(struct mail *m, struct mail_letter *l, const char *name);

#endif
