/*
 * mailer: what P= of an M line asks for: another host, a program, or what is done here.
 */
#ifndef LETTERBOX_SERVICE_MAILER_H
#define LETTERBOX_SERVICE_MAILER_H

#include "cf/cf.h"

/*
 * Is P= of the mailer a program to be run?  Not for the mailer "local" when it is one that only
 * stores mail (mail.local, sensible-mda, mail) or is not there: then that is done here.
 */
bool mailer_runs(const struct cf_mailer *m);

/* Is it [IPC] or [TCP]? */
bool mailer_is_ipc(const struct cf_mailer *m);

/* Is P= a shell (sh, smrsh, and what else ends so) that A= gives a command (-c)? */
bool mailer_is_shell(const struct cf_mailer *m);

#endif
