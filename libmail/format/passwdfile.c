/*
 * The users file; see format/passwdfile.h.
 *
 * Read by roles that decide who may log in: a line that is not understood gives no user at all.
 * No text of a line gets into an error message, since it may hold a password.
 */
#include "format/passwdfile.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/num.h"

/* uid_t is 32 bits wide and its highest value means "none". */
static const uint64_t id_max = UINT32_MAX - 1;

bool passwdfile_is_user(struct span user)
{
	if (user.len == 0 || user.len > PASSWDFILE_USER_MAX || user.ptr[0] == '-')
		return false;
	/* As if a dot stood before: no ".", no ".." and no hidden file can come of a name. */
	char last = '.';
	for (size_t i = 0; i < user.len; i++) {
		char c = user.ptr[i];
		bool special = c && memchr("._+=%@&~-", c, 9);
		if (!ascii_is_alnum(c) && !special && (unsigned char)c <= 0x7f)
			return false;
		if (c == '.' && last == '.')
			return false;
		last = c;
	}
	return true;
}

static bool take_secret(struct span field, struct passwdfile_entry *out, struct err *e)
{
	/* passwd(5) and Dovecot agree: without a scheme it is for crypt(3). */
	out->scheme = SPAN("CRYPT");
	out->secret = field;
	if (span_starts(field, SPAN("{"))) {
		size_t end = span_index(field, '}');
		if (end == field.len || end == 1)
			return err_perm(e, "5.3.5", "password scheme is not closed by '}'");
		out->scheme = span_make(field.ptr + 1, end - 1);
		out->secret = span_skip(field, end + 1);
		/* The scheme is looked up by name and may be logged. */
		for (size_t i = 0; i < out->scheme.len; i++) {
			char c = out->scheme.ptr[i];
			if (!ascii_is_alnum(c) && c != '-' && c != '.' && c != '_')
				return err_perm(e, "5.3.5", "bad character in password scheme");
		}
		out->locked = out->secret.len == 0;
		return true;
	}
	/* Marks of passwd(5) and shadow(5) for accounts without a password here. */
	struct span s = out->secret;
	out->locked = s.len == 0 || s.ptr[0] == '!' || s.ptr[0] == '*' || span_eq(s, SPAN("x"));
	return true;
}

static bool take_id(struct span field, const char *what, uint32_t *id, bool *has, struct err *e)
{
	uint64_t v;

	/* Left out: the default of whoever asks. */
	if (field.len == 0)
		return true;
	if (!num_parse(field, id_max, &v))
		return err_perm(e, "5.3.5", "%s is not a number", what);
	*id = (uint32_t)v;
	*has = true;
	return true;
}

bool passwdfile_extra(const struct passwdfile_entry *entry, struct span key, struct span *value)
{
	struct span rest = entry->extra;

	while (rest.len) {
		struct span word = span_cut(&rest, ' ');
		struct span name = span_cut(&word, '=');
		if (span_eq(name, key)) {
			*value = word;
			return true;
		}
	}
	return false;
}

bool passwdfile_parse(struct span line, struct passwdfile_entry *out, struct err *e)
{
	struct span rest = line;

	*out = (struct passwdfile_entry){.locked = false};
	if (line.len > PASSWDFILE_LINE_MAX)
		return err_perm(e, "5.3.5", "line is longer than %d octets", PASSWDFILE_LINE_MAX);
	/* A CR or NUL inside a password or path would be read differently by others. */
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.ptr[i] < 0x20 || line.ptr[i] == 0x7f)
			return err_perm(e, "5.3.5", "control character in the line");
	if (span_index(line, ':') == line.len)
		return err_perm(e, "5.3.5", "no ':' behind the user name");
	out->user = span_cut(&rest, ':');
	if (!passwdfile_is_user(out->user))
		return err_perm(e, "5.3.5", "user name is empty, too long or holds bad characters");
	if (!take_secret(span_cut(&rest, ':'), out, e) ||
	    !take_id(span_cut(&rest, ':'), "uid", &out->uid, &out->has_uid, e) ||
	    !take_id(span_cut(&rest, ':'), "gid", &out->gid, &out->has_gid, e))
		return false;
	out->gecos = span_cut(&rest, ':');
	out->home = span_cut(&rest, ':');
	out->shell = span_cut(&rest, ':');
	out->extra = span_trim(rest);
	/* Relative to what?  A role's directory depends on where it was chrooted. */
	if (out->home.len && out->home.ptr[0] != '/')
		return err_perm(e, "5.3.5", "home directory does not begin with '/'");
	if (!passwdfile_extra(out, SPAN("userdb_mail"), &out->mailbox))
		passwdfile_extra(out, SPAN("mail"), &out->mailbox);
	return true;
}

bool passwdfile_next(struct span *file, unsigned *line, struct span *out)
{
	while (file->len) {
		struct span s = span_cut(file, '\n');
		if (span_ends(s, SPAN("\r")))
			s.len--;
		++*line;
		if (span_trim(s).len == 0 || s.ptr[0] == '#')
			continue;
		*out = s;
		return true;
	}
	return false;
}

enum passwdfile_result passwdfile_find(struct span file, struct span user,
				       struct passwdfile_entry *out, struct err *e)
{
	struct span line;
	unsigned number = 0;

	while (passwdfile_next(&file, &number, &line)) {
		char where[24];
		struct buf text;

		/* Compared before parsing: a bad line of another user does not matter here. */
		if (!span_eq(span_head(line, span_index(line, ':')), user))
			continue;
		if (passwdfile_parse(line, out, e))
			return PASSWDFILE_FOUND;
		buf_init_fixed(&text, where, sizeof where);
		buf_puts(&text, "line ");
		buf_putu(&text, number);
		err_prefix(e, buf_cstr(&text));
		return PASSWDFILE_BAD;
	}
	return PASSWDFILE_ABSENT;
}
