/* What a mailer's P= is; see service/mailer.h. */
#include "service/mailer.h"

#include <unistd.h>

#include "base/ascii.h"

bool mailer_is_ipc(const struct cf_mailer *m)
{
	return ascii_eq_nocase(m->path, SPAN("[IPC]")) || ascii_eq_nocase(m->path, SPAN("[TCP]"));
}

static struct span base_name(struct span path)
{
	for (size_t at; (at = span_index(path, '/')) < path.len;)
		path = span_skip(path, at + 1);
	return path;
}

bool mailer_runs(const struct cf_mailer *m)
{
	static const char *const stores[] = {"deliver",      "letterbox", "mail.local",
					     "sensible-mda", "mail",      "binmail"};
	char path[CF_NAME];

	if (m->path.len == 0 || m->path.ptr[0] != '/')
		return false;
	if (!span_eq(m->name, SPAN("local")))
		return true;
	/* A deliver with F=z is not ours, and puts mail where only it knows. */
	for (size_t i = cf_mailer_flag(m, 'z') ? 1 : 0; i < sizeof stores / sizeof stores[0]; i++)
		if (span_eq(base_name(m->path), span_str(stores[i])))
			return false;
	return span_to_cstr(m->path, path, sizeof path) && access(path, X_OK) == 0;
}

bool mailer_is_shell(const struct cf_mailer *m)
{
	struct span argv = m->argv;

	if (!span_ends(base_name(m->path), SPAN("sh")))
		return false;
	while (argv.len)
		if (span_eq(span_cut(&argv, ' '), SPAN("-c")))
			return true;
	return false;
}
