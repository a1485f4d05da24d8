/*
 * pop3_priv: what the files of the POP3 machine share; nobody else includes it.
 *
 * pop3.c reads lines and knows logins and what is outstanding, pop3_command.c is the table
 * of commands.  A function that returns an event has put its reply, if there is one.
 */
#ifndef LETTERBOX_PROTO_POP3_PRIV_H
#define LETTERBOX_PROTO_POP3_PRIV_H

#include "proto/pop3.h"

/* Puts one line. */
enum pop3_event pop3_say(struct buf *out, const char *text);

/* The same as the session's last words. */
enum pop3_event pop3_end(struct pop3 *p, struct buf *out, const char *text);

/* The same for a senseless command; POP3_BAD_MAX of them in a row end the session. */
enum pop3_event pop3_bad(struct pop3 *p, struct buf *out, const char *text);

/* One whole line without its end, in any state but POP3_SASL. */
enum pop3_event pop3_command(struct pop3 *p, struct span line, struct buf *out);

/* Can this line be answered while requests are outstanding, by the mailbox in its turn? */
bool pop3_command_is_asked(const struct pop3 *p, struct span line);

/* The client's answer to AUTH PLAIN, base 64; the password goes to p->line. */
enum pop3_event pop3_sasl_plain(struct pop3 *p, struct span text, struct buf *out);

/* Queues p->request behind those that the mailbox has not answered yet. */
enum pop3_event pop3_ask(struct pop3 *p);

#endif
