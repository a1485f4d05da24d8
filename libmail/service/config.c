/*
 * Finding and compiling the configuration; see service/config.h.
 */
#include "service/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/err.h"
#include "service/config_part.h"
#include "service/policy.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { KEPT_MAX = 1 << 20 };

/* While it is read, a message names file and line; while it decides, the first is the reason. */
static void report(void *ctx, uint32_t line, const char *code, struct span text)
{
	struct config *c = ctx;
	char at[32] = "", line_text[CF_LINE];

	if (c->ev) {
		if (c->heard[0] || !code[0])
			return;
		snprintf(c->heard_code, sizeof c->heard_code, "%s", code);
		snprintf(c->heard, sizeof c->heard, "%.*s", SPAN_ARG(text));
		err_printable(c->heard);
		return;
	}
	if (line)
		snprintf(at, sizeof at, "line %u: ", (unsigned)line);
	snprintf(line_text, sizeof line_text, "%s: %s%.*s", c->name, at, SPAN_ARG(text));
	if (c->tell)
		c->tell(line_text);
	else
		log_warn("%s", line_text);
}

static int lookup(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		  const struct span *args, struct buf *out)
{
	struct config *c = ctx;
	int status = c->pending ? EXIT_TEMPFAIL : maps_lookup(&c->maps, ev, m, key, args, out);

	/* What comes of it is thrown away, so the rest need not be worked out.  Of a pattern it
	 * only means that it does not match. */
	if (status == CONFIG_PENDING && m->kind != CFM_REGEX) {
		c->pending = true;
		ev->fuel = 0;
		return EXIT_TEMPFAIL;
	}
	return status;
}

void config_note_dir(struct config *c, struct span path)
{
	size_t len = path.len;

	if (len == 0 || path.ptr[0] != '/')
		return;
	while (len > 1 && path.ptr[len - 1] != '/')
		len--;
	for (int i = 0; i < CONFIG_DIRS; i++) {
		if (!c->dir[i][0]) {
			span_to_cstr(span_head(path, len), c->dir[i], sizeof c->dir[i]);
			return;
		}
		if (span_eq(span_str(c->dir[i]), span_head(path, len)))
			return;
	}
	log_warn("%s: tables in more than %d folders: %.*s may not be readable", c->name,
		 CONFIG_DIRS, SPAN_ARG(path));
}

static bool open_map(void *ctx, struct cf_eval *ev, struct cf_map *m)
{
	struct config *c = ctx;

	config_note_dir(c, m->file);
	return maps_open(&c->maps, ev, m);
}

static int read_file(void *ctx, struct span path, struct buf *out)
{
	struct config *c = ctx;
	int sys;

	config_note_dir(c, path);
	sys = maps_read_file(&c->maps, path, out);
	if (fs_is_passing(sys))
		c->maps.unread = sys;
	return sys;
}

/* The definition file, or else the settings alone: both become a configuration by cfgen. */
static bool find_other(struct config_text *t, const struct settings *s, struct err *e)
{
	memcpy(t->name, POLICY_DEF, sizeof POLICY_DEF);
	buf_reset(&t->text);
	if (policy_write_def(POLICY_DEF, &t->text, e))
		return true;
	if (e->sys != ENOENT && e->sys != ENOTDIR)
		return false;
	t->is_file = false;
	memcpy(t->name, "built-in configuration", sizeof "built-in configuration");
	buf_reset(&t->text);
	return policy_write(s, &t->text, e);
}

bool config_find(struct config_text *t, const char *path, const struct settings *s, struct err *e)
{
	const char *name = path ? path : CONFIG_FILE;

	buf_init(&t->text, CONFIG_TEXT_MAX);
	t->is_file = true;
	if (!span_to_cstr(span_str(name), t->name, sizeof t->name))
		return err_perm(e, "5.3.5", "%.100s: the name is too long", name);
	if (span_ends(span_str(name), SPAN(".def")))
		return policy_write_def(name, &t->text, e);
	if (fs_read_all(AT_FDCWD, name, FS_FOLLOW, &t->text, e))
		return true;
	if (!path && (e->sys == ENOENT || e->sys == ENOTDIR))
		return find_other(t, s, e);
	buf_free(&t->text);
	if (fs_is_passing(e->sys))
		return false;
	return err_perm(e, "5.3.5", "%.100s: line 0: cannot open: %s", name, strerror(e->sys));
}

int config_text_fd(struct config_text *t, struct err *e)
{
	int fd = memfd_create("config", MFD_CLOEXEC);

	if (fd < 0 || !fs_write(fd, buf_span(&t->text))) {
		err_errno(e, errno, "cannot hand the configuration on");
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	buf_free(&t->text);
	return fd;
}

/* What is defined whatever the configuration says. */
void config_predefine(struct cf *cf)
{
	static const char *const classes[][2] = {
	    {"n", "multipart/signed"}, {"e", "7bit"},   {"e", "8bit"},
	    {"e", "binary"},           {"s", "rfc822"},
	};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		cf_class_add(cf, classes[i][0][0], span_str(classes[i][1]));
}

/* Macros that outlive a message in sendmail, and the map that every configuration has. */
void config_complete(struct cf_eval *ev, const struct resolver *r)
{
	static const char *const names[] = {"r", "s", "_", "{if_addr}", "{daemon_flags}"};
	struct cf *cf = ev->cf;
	size_t used;
	int id = cf_macro_id(ev, SPAN("{persistentMacros}"), &used);

	for (size_t i = 0; id && i < sizeof names / sizeof names[0]; i++)
		cf_class_add(cf, id, span_str(names[i]));
	/* -D: it asks nobody while delivery is deferred. */
	if (!cf_map_find(cf, SPAN("host")))
		cf_map_add(ev, cf->level >= 2 ? SPAN("host host -a. -D") : SPAN("host host"));
	hostname_complete(r, ev);
}

bool config_was_read(const struct config *c, struct err *e)
{
	if (c->ev && !(arena_ok(&c->ev->mem) && arena_ok(&c->ev->kept)))
		return err_errno(e, ENOMEM, "%.100s", c->name);
	return !c->maps.unread ||
	       err_errno(e, c->maps.unread, "%.100s: a file that it names", c->name);
}

static bool compile(struct config *c, struct span text, const struct settings *s, struct err *e)
{
	struct cf_eval ev;
	bool ok;

	if (!resolver_init(&c->resolver, e))
		return false;
	hostname_find(&c->names, &c->resolver);
	/* The name that somebody chose is the host's. */
	if (settings_given(s, "Hostname")) {
		const char *dot = strchr(s->hostname, '.');

		snprintf(c->names.full, sizeof c->names.full, "%s", s->hostname);
		snprintf(c->names.domain, sizeof c->names.domain, "%s", dot ? dot + 1 : "");
	}
	maps_init(&c->maps, &c->resolver);
	cf_init(&c->cf);
	cf_eval_init(&ev, &c->cf, &c->host);
	hostname_define(&c->names, &c->resolver, &c->cf);
	config_predefine(&c->cf);
	ok = cf_load(&ev, text);
	config_complete(&ev, &c->resolver);
	cf_eval_free(&ev);
	if (!ok)
		return err_temp(e, "4.3.0", "%.100s: out of memory", c->name);
	return config_was_read(c, e);
}

struct config *config_load(struct span text, const char *name, void (*tell)(const char *text),
			   const struct settings *s, struct err *e)
{
	struct config *c = calloc(1, sizeof *c);

	if (!c) {
		err_temp(e, "4.3.0", "out of memory");
		return NULL;
	}
	c->users = 1;
	c->tell = tell;
	c->host = (struct cf_host){c, report, NULL, lookup, open_map, read_file};
	span_to_cstr(span_str(name), c->name, sizeof c->name);
	if (compile(c, text, s, e))
		return c;
	config_free(c);
	return NULL;
}

struct config *config_load_fd(int fd, const char *name, const struct settings *s, struct err *e)
{
	struct config *c = NULL;
	struct stat st;
	struct buf text;
	char *at;

	buf_init(&text, CONFIG_TEXT_MAX);
	if (fstat(fd, &st) != 0 || !(at = buf_reserve(&text, (size_t)st.st_size + 1)) ||
	    fs_pread(fd, at, (size_t)st.st_size, 0) != st.st_size) {
		err_temp(e, "4.3.0", "%.100s: cannot be read", name);
	} else {
		text.len = (size_t)st.st_size;
		c = config_load(buf_span(&text), name, NULL, s, e);
	}
	buf_free(&text);
	return c;
}

unsigned config_errors(const struct config *c)
{
	return c->cf.errors;
}

struct config *config_keep(struct config *c)
{
	c->users++;
	return c;
}

void config_free(struct config *c)
{
	if (!c || --c->users)
		return;
	config_idle(c);
	cf_free(&c->cf);
	maps_free(&c->maps);
	resolver_free(&c->resolver);
	free(c);
}

struct cf_eval *config_begin(struct config *c)
{
	c->heard[0] = c->heard_code[0] = '\0';
	c->pending = false;
	c->maps.unread = 0;
	/* Values of macros are only given back with all of the evaluation. */
	if (c->ev && (c->ev->kept.total > KEPT_MAX || !arena_ok(&c->ev->kept)))
		config_idle(c);
	if (!c->ev) {
		c->ev = malloc(sizeof *c->ev);
		if (!c->ev)
			return NULL;
		cf_eval_init(c->ev, &c->cf, &c->host);
	}
	cf_eval_reset(c->ev);
	for (int i = 0; i < 256; i++)
		c->ev->macro[i].ptr = NULL;
	c->ev->status = 0;
	c->ev->tired = false;
	c->ev->to = (struct span){NULL, 0};
	return c->ev;
}

bool config_open_maps(struct config *c, struct err *e)
{
	struct cf_eval *ev = config_begin(c);
	bool ok;

	if (!ev)
		return err_temp(e, "4.3.0", "%.100s: out of memory", c->name);
	for (int i = 0; i < c->cf.nmaps; i++)
		(void)maps_is_open(&c->maps, ev, c->cf.maps[i]);
	ok = config_was_read(c, e);
	config_idle(c);
	return ok;
}

void config_idle(struct config *c)
{
	if (c->ev)
		cf_eval_free(c->ev);
	free(c->ev);
	c->ev = NULL;
}

bool config_uses(const struct config *c, const char *name)
{
	return cf_macro_known(&c->cf, span_str(name)) != 0;
}

void config_set(struct config *c, const char *name, struct span value)
{
	int id = cf_macro_known(&c->cf, span_str(name));
	char mem[CF_LINE];
	struct buf b;

	if (!id)
		return;
	buf_init_fixed(&b, mem, sizeof mem);
	/* Octets that stand for operators would be commands of a stranger. */
	for (size_t i = 0; i < value.len; i++)
		buf_putc(&b, ((unsigned char)value.ptr[i] & 0xe0) == 0x80 ? '?' : value.ptr[i]);
	cf_macro_set(c->ev, id, buf_span(&b));
}
