/*
 * account_part: what the files of the account module share; see account.h.
 */
#ifndef LETTERBOX_SERVICE_ACCOUNT_PART_H
#define LETTERBOX_SERVICE_ACCOUNT_PART_H

#include <pwd.h>

#include "format/passwdfile.h"
#include "service/account.h"

/* The account that a users-file line describes. */
bool account_fill(const struct account_source *s, const struct passwdfile_entry *entry,
		  struct account *a, struct err *e);

/* Finds name, then name in lower case, in a users file. */
bool account_lookup(struct span file, struct span name, struct passwdfile_entry *entry,
		    struct err *e);

/* The same among the system's accounts; *failed: it cannot be told. */
bool account_system(const char *name, struct passwd *pw, char *mem, size_t cap, bool *failed);
bool account_from_passwd(const struct account_source *s, const struct passwd *pw, struct account *a,
			 struct err *e);

/* Are we root, or is it our own uid?  Else TEMP. */
bool account_can_become(const struct account *a, struct err *e);

#endif
