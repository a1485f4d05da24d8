/*
 * Checking passwords; see service/account.h.
 *
 * What is read to compare with (users file, shadow entry) is wiped before the answer, and
 * an unknown user costs a hash as a known one does.  Texts of errors name users, never
 * what they typed.  Whoever reads secrets sees no password, whoever sees one opens nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <shadow.h>
#include <string.h>

#include "base/ascii.h"
#include "proto/secret.h"
#include "service/account_part.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum { ENTRY_MAX = 4096, DAY_S = 86400 };

/* Of a password nobody has, for names that nobody has. */
static const char dummy[] = "$6$letterbox.dummy$x";

static bool cannot(struct err *e, const char *what)
{
	return err_temp(e, "4.7.0", "the password's kind, %.40s, cannot be checked here", what);
}

/* A scheme that cannot be checked is temporary: the password may be right. */
static bool judge(enum secret_verdict v, const char *kind, struct err *e)
{
	if (v == SECRET_UNKNOWN)
		return cannot(e, kind);
	return v == SECRET_FITS || err_perm(e, "5.7.8", "wrong password");
}

/* yescrypt is Debian's default, and so the one that people meet. */
static const char *crypt_kind(struct span stored)
{
	if (span_starts(stored, SPAN("$y$")) || span_starts(stored, SPAN("$gy$")))
		return "yescrypt";
	return span_starts(stored, SPAN("$7$")) ? "scrypt" : "an unknown crypt";
}

static bool fits_scheme(struct span scheme, struct span secret, struct span password, struct err *e)
{
	static const char *const crypts[] = {"CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "BLF-CRYPT",
					     "MD5-CRYPT"};
	char name[41];

	if (ascii_eq_nocase(scheme, SPAN("PLAIN")) || ascii_eq_nocase(scheme, SPAN("CLEARTEXT")))
		return judge(secret_equal(password, secret) ? SECRET_FITS : SECRET_DIFFERS, "", e);
	for (size_t i = 0; i < sizeof crypts / sizeof crypts[0]; i++)
		if (ascii_eq_nocase(scheme, span_str(crypts[i])))
			return judge(secret_fits_crypt(secret, password), crypt_kind(secret), e);
	span_to_cstr(span_head(scheme, sizeof name - 1), name, sizeof name);
	if (ascii_eq_nocase(scheme, SPAN("SCRAM-SHA-256")))
		return judge(secret_fits_scram(secret, password), name, e);
	return cannot(e, name);
}

/* Before any hash: an empty password fits an account without one on some systems. */
static bool refuse_empty(struct span password, struct err *e)
{
	if (password.len == 0)
		return err_perm(e, "5.7.8", "empty password");
	return password.len <= ACCOUNT_PASSWORD_MAX || err_perm(e, "5.7.8", "wrong password");
}

bool account_secret_fits(struct span stored, struct span password, struct err *e)
{
	struct span scheme = SPAN("CRYPT");

	if (!refuse_empty(password, e))
		return false;
	if (span_starts(stored, SPAN("{"))) {
		stored = span_skip(stored, 1);
		scheme = span_cut(&stored, '}');
	}
	/* "!" and "*" stand for accounts without password login (shadow(5)). */
	if (stored.len == 0)
		return err_perm(e, "5.7.8", "locked");
	return fits_scheme(scheme, stored, password, e);
}

static void put_dummy(struct account_proof *p)
{
	memcpy(p->stored, dummy, sizeof dummy);
}

static bool put_stored(struct account_proof *p, const struct passwdfile_entry *entry)
{
	struct buf b;

	buf_init_fixed(&b, p->stored, sizeof p->stored);
	buf_putc(&b, '{');
	buf_put(&b, entry->scheme);
	buf_putc(&b, '}');
	buf_put(&b, entry->secret);
	buf_cstr(&b);
	if (buf_ok(&b))
		return true;
	p->stored[0] = '\0';
	return cannot(&p->err, "a very long one");
}

/* What the first user of the file has: the kind that its checks usually take. */
static void put_first(struct account_proof *p, struct span file)
{
	struct passwdfile_entry entry;
	struct err ignored;
	struct span line;
	unsigned number = 0;

	while (passwdfile_next(&file, &number, &line))
		if (passwdfile_parse(line, &entry, &ignored) && !entry.locked) {
			ignored = p->err;
			put_stored(p, &entry);
			p->err = ignored;
			return;
		}
}

static bool find_in_file(struct account_source *s, struct span name, struct account_proof *p)
{
	struct passwdfile_entry entry;
	struct buf file;
	bool ok;

	buf_init(&file, ACCOUNT_USERS_MAX);
	ok = fs_read_all(AT_FDCWD, s->users, FS_FOLLOW, &file, &p->err);
	if (!ok) {
		p->err.class = ERR_TEMP;
	} else if (!account_lookup(buf_span(&file), name, &entry, &p->err)) {
		if (p->err.class == ERR_PERM)
			put_first(p, buf_span(&file));
		ok = false;
	} else if (entry.locked) {
		ok = err_perm(&p->err, "5.7.8", "locked");
	} else {
		ok = put_stored(p, &entry) && account_fill(s, &entry, &p->account, &p->err);
	}
	buf_wipe(&file);
	return ok;
}

/* Days since 1970, as shadow(5) has them. */
static bool is_expired(const struct spwd *sp)
{
	return sp->sp_expire > 0 && clock_wall().s / DAY_S > sp->sp_expire;
}

/* The stored hash goes to `stored`, from shadow or, where there is none, from passwd. */
static bool get_hash(const struct passwd *pw, char stored[ACCOUNT_SECRET_MAX], struct err *e)
{
	char mem[ENTRY_MAX];
	struct spwd sp, *found = NULL;
	const char *hash = pw->pw_passwd;
	int sys = getspnam_r(pw->pw_name, &sp, mem, sizeof mem, &found);
	bool ok = true;

	if (found && is_expired(&sp))
		ok = err_perm(e, "5.7.8", "expired");
	else if (found)
		hash = sp.sp_pwdp;
	/*
	 * Not readable and not there are told apart: the one is our fault, the other the
	 * account's.
	 */
	else if ((sys && sys != ENOENT && sys != ESRCH) || strcmp(hash, "x") == 0)
		ok = err_temp(e, "4.7.0", "the shadow entry cannot be read");
	if (ok && (!hash || !hash[0] || hash[0] == '!' || hash[0] == '*' || strcmp(hash, "x") == 0))
		ok = err_perm(e, "5.7.8", "locked");
	if (ok && !span_to_cstr(span_str(hash), stored, ACCOUNT_SECRET_MAX))
		ok = cannot(e, "a very long one");
	explicit_bzero(mem, sizeof mem);
	return ok;
}

static bool find_in_system(const struct account_source *s, struct span name,
			   struct account_proof *p)
{
	char text[ACCOUNT_NAME_MAX + 1], mem[ENTRY_MAX];
	struct passwd pw;
	bool ok, failed;

	span_to_cstr(name, text, sizeof text);
	if (!account_system(text, &pw, mem, sizeof mem, &failed))
		return failed ? err_temp(&p->err, "4.3.0", "accounts cannot be read")
			      : err_perm(&p->err, "5.7.8", "no such user");
	ok = get_hash(&pw, p->stored, &p->err) && account_from_passwd(s, &pw, &p->account, &p->err);
	explicit_bzero(mem, sizeof mem);
	return ok;
}

void account_get_proof(struct account_source *s, struct span name, struct account_proof *p)
{
	struct err *e = &p->err;
	bool ok;

	*p = (struct account_proof){.err.class = ERR_NONE};
	if (!account_name_ok(name))
		ok = err_perm(e, "5.7.8", "no such user");
	else
		ok = s->users[0] ? find_in_file(s, name, p) : find_in_system(s, name, p);
	if (!ok && e->class == ERR_PERM && strcmp(e->status, "5.1.1") == 0)
		err_perm(e, "5.7.8", "no such user");
	/* A guessed root password must open nothing. */
	if (ok && p->account.uid == 0)
		err_perm(e, "5.7.8", "the superuser reads no mail over the network");
	else if (ok)
		account_can_become(&p->account, e);
	/* The work is done all the same: else timing would tell which names exist. */
	if (e->class == ERR_PERM && !p->stored[0])
		put_dummy(p);
}

bool account_prove(struct account_proof *p, struct span password, struct err *e)
{
	bool compared = p->stored[0], fits = account_secret_fits(span_str(p->stored), password, e);

	explicit_bzero(p->stored, sizeof p->stored);
	if (p->err.class == ERR_NONE || (p->err.class == ERR_TEMP && compared && !fits))
		return fits;
	*e = p->err;
	return false;
}
