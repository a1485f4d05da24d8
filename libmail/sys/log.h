/*
 * log: one printable line per event, to standard error or syslog.
 *
 * A failure to log is never an error of the caller.  Lines are cut at LOG_MAX and
 * every control or 8-bit octet in them becomes '?', so hostile text may be passed
 * as an argument.  The line's form is sendmail's: "QID: key=value, key=value".
 * The log's own state is the one mutable global of libmail.
 */
#ifndef LETTERBOX_SYS_LOG_H
#define LETTERBOX_SYS_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum { LOG_MAX = 1000 }; /* octets of a line; syslog daemons cut at 1024 (RFC 3164 4.1) */

enum log_level { LOG_L_ERR = 3, LOG_L_WARN = 4, LOG_L_INFO = 6, LOG_L_DEBUG = 7 };

enum log_target { LOG_T_AUTO, LOG_T_STDERR, LOG_T_SYSLOG, LOG_T_JSON, LOG_T_NONE };

/*
 * Names the program ("sendmail", "popd") and chooses the target: LETTERBOX_LOG
 * (stderr, syslog, json, none) when set, else syslog when /dev/log is there and
 * standard error is no terminal, else standard error.  Opens the syslog socket now, so that logging
 * goes on after a chroot.  May be called again; the name is copied.
 */
void log_init(const char *name, enum log_target target);

/*
 * The target for programs that people and scripts call: LETTERBOX_LOG, else syslog, else
 * nowhere; their standard error belongs to the caller.
 */
enum log_target log_quiet(void);

/* Lines above this level are dropped; LOG_L_INFO at start. */
void log_set_level(enum log_level level);

/* Another name from now on; what could be mistaken for the rest of a line becomes '_'. */
void log_set_name(const char *name);

/* For a process that never forks: its number is asked for just this once. */
void log_keep_pid(void);

/* The descriptor a sandbox must leave open: the syslog socket or 2; -1 for none. */
int log_fd(void);

void log_put(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)   log_put(LOG_L_ERR, __VA_ARGS__)
#define log_warn(...)  log_put(LOG_L_WARN, __VA_ARGS__)
#define log_info(...)  log_put(LOG_L_INFO, __VA_ARGS__)
#define log_debug(...) log_put(LOG_L_DEBUG, __VA_ARGS__)

#endif
