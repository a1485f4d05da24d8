/*
 * policy: the configuration that counts where there is no sendmail.cf.
 *
 * The settings of a host (LETTERBOX_* variables) become variables of cfgen, and those a
 * configuration in memory: own domains to the local mailer, all else by MX or to the
 * relay, relaying for local users, loopback and authenticated clients only.  A
 * definition file goes the same way.
 */
#ifndef LETTERBOX_SERVICE_POLICY_H
#define LETTERBOX_SERVICE_POLICY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "cf/cfgen.h"
#include "service/settings.h"

/* The definition file that is read when there is no sendmail.cf. */
#define POLICY_DEF "/etc/mail/sendmail.def"

/* Sets the variables that the settings say something about.  False after a report. */
bool policy_set(struct cfgen *g, const struct settings *s);

/*
 * Appends the built-in configuration for these settings: what routing needs and no
 * more, about 4 KB.  PERM 5.3.5 for a relay's address that is none.
 */
bool policy_write(const struct settings *s, struct buf *out, struct err *e);

/*
 * The same from a definition file; all of it (options, headers), as cfgen writes it.
 * PERM 5.3.5 with file, line and column; sys is ENOENT when there is no such file.
 */
bool policy_write_def(const char *path, struct buf *out, struct err *e);

/* Reads a file that a value names, for struct cfgen_host. */
bool policy_read_file(void *ctx, struct span path, struct buf *out);

#endif
