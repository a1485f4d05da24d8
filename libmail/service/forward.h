/*
 * forward: ~/.forward, which says where a user's mail goes instead of the mailbox.
 *
 * The option ForwardPath lists where it may be, ':' between the paths; the first file that is
 * there and safe counts.  A safe one is a regular file of the user's or root's, written by nobody
 * else, below directories in which nobody else may change names.  It is read by a process that is
 * the user: what others may not be shown stays so, whatever a link in a home leads to.
 */
#ifndef LETTERBOX_SERVICE_FORWARD_H
#define LETTERBOX_SERVICE_FORWARD_H

#include "base/buf.h"
#include "base/err.h"
#include "service/account.h"
#include "service/settings.h"

enum {
	FORWARD_MAX = 131072, /* octets of a file; of a larger one nothing is taken */
	FORWARD_PATH_MAX = ACCOUNT_PATH_MAX,
	FORWARD_DETAIL_MAX = 64, /* longer ones have no file; and names, too */
};

/*
 * Appends the paths for a, ':' between them: ForwardPath with $z (home), $u (user), $h (detail,
 * what stands behind the user's name in an address) and $w (our name up to its first dot).  Left
 * out: those with a part that is not there or has a '/', and where the account has no home.  False
 * when out has too little room.
 */
bool forward_put_paths(const struct settings *s, const struct account *a, struct span detail,
		       struct buf *out);

/* Is one of them there, or can that not be told?  For who may look and not read. */
bool forward_is_there(struct span paths);

/*
 * By a process that is uid, or may read what is uid's: appends the contents of a file to out.  PERM
 * 5.2.4 with sendmail's words: it is not there (sys ENOENT, ENOTDIR), unsafe, too large for out, or
 * not to be read; TEMP 4.2.4: not now.
 */
bool forward_read_file(const char *path, uid_t uid, struct buf *out, struct err *e);

/*
 * The targets that the first of paths has which is there and safe, lists that it includes read in,
 * too: one a line.  out, which is empty before, stays so where there is none; what is wrong is
 * logged.  TEMP when there is none, but one may come, or not all of it can be read now.
 */
bool forward_read(struct span paths, uid_t uid, struct buf *out, struct err *e);

/*
 * Is a file or a program one of the targets that forward_read gave, in any spelling of which an
 * address parser makes it (quotes, blanks, comments, brackets, a domain)?  Either path is absolute,
 * or words are those that command_split makes of the command.
 */
bool forward_names(struct span targets, struct span path, struct span words);

/*
 * For who may be root, which is a's user meanwhile: takes the next one that is there off paths and
 * reads it.  False at the end; e says why it cannot be read.
 */
bool forward_next(struct span *paths, const struct account *a, char path[FORWARD_PATH_MAX],
		  struct buf *out, struct err *e);

/*
 * May their files start programs and write files?  Where /etc/shells lists what users log in with,
 * and there is one for the account (sendmail's usershellok).  False with e TEMP: cannot be told
 * now.
 */
bool forward_has_shell(const struct account *a, struct err *e);

#endif
