/* The users file: every entry found is the one that its line holds. */
#include <stdint.h>
#include <stdlib.h>

#include "format/passwdfile.h"

static void demand(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span file = span_make(data, size), rest = file, line, value;
	struct passwdfile_entry e, found;
	struct err err;
	unsigned number = 0;

	for (int n = 0; n < 50 && passwdfile_next(&rest, &number, &line); n++) {
		if (!passwdfile_parse(line, &e, &err))
			continue;
		demand(passwdfile_is_user(e.user));
		passwdfile_extra(&e, SPAN("k"), &value);
		/* The first line of the name counts, and that one may be malformed. */
		demand(passwdfile_find(file, e.user, &found, &err) != PASSWDFILE_ABSENT);
	}
	return 0;
}
