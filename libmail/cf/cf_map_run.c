/*
 * Lookups: what all maps have in common, and the maps that need nothing from
 * outside (dequote, macro, null, sequence); see cf/cf.h.
 *
 * A value is never trusted: it only becomes tokens again through the splitter.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

/*
 * The value with %0 to %9 replaced by the arguments, and -a behind it.  %0 is the key, "%%"
 * one percent sign, and "%" before anything else stands for itself.
 */
static void finish_value(const struct cf_map *m, struct span v, const struct span *args,
			 struct buf *out)
{
	for (size_t i = 0; i < v.len; i++) {
		int k;

		if (!args || v.ptr[i] != '%' || i + 1 == v.len) {
			buf_putc(out, v.ptr[i]);
			continue;
		}
		i++;
		if (!ascii_is_digit(v.ptr[i])) {
			if (v.ptr[i] != '%')
				buf_putc(out, '%');
			buf_putc(out, v.ptr[i]);
			continue;
		}
		/* Arguments end at the first without text: a number beyond them inserts nothing. */
		for (k = 0; k < v.ptr[i] - '0' && args[k].ptr; k++)
			;
		if (args[k].ptr)
			buf_put(out, args[k]);
	}
	buf_put(out, m->a);
}

/* Only a quoted text that needs its quotes for nothing: no blank, all brackets closed. */
static bool dequote(struct cf_map *m, struct span key, struct buf *out)
{
	int angles = 0, comments = 0, quotes = 0, spaces = 0;
	bool quoted = false, escape = false;

	for (size_t i = 0; i < key.len; i++) {
		char c = key.ptr[i];

		if (escape) {
			escape = false;
			buf_putc(out, c);
			continue;
		}
		/* A blank becomes the map's -s character, which then counts as no blank. */
		if (c == ' ' && m->space)
			c = m->space;
		if (c == '\\')
			escape = true;
		else if (c == '(')
			comments++;
		else if ((c == ')' && comments-- <= 0) || (c == '>' && angles-- <= 0))
			return false;
		else if (ascii_is_blank(c))
			spaces++;
		else if (c == '<')
			angles++;
		if (c == '"') {
			quoted = !quoted;
			quotes++;
			continue;
		}
		buf_putc(out, c);
	}
	return !angles && !comments && !quoted && !escape && quotes && !spaces;
}

static void set_macro(struct cf_eval *ev, struct span key, const struct span *args)
{
	size_t used;
	int id = key.len ? cf_macro_id(ev, key, &used) : 0;

	if (id)
		cf_macro_set(ev, id, args && args[0].ptr && args[1].ptr ? args[1] : cf_macro_none);
}

static bool run(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		struct buf *out, int *status);

/* NAME.files is the member of switch map NAME; without it nothing is ever found. */
static struct cf_map *switched(struct cf_eval *ev, struct cf_map *m, int *status)
{
	char mem[CF_NAME];
	struct cf_map *sub;
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	buf_printf(&b, "%.*s.files", SPAN_ARG(m->name));
	sub = cf_map_find(ev->cf, buf_span(&b));
	/* Only these services are known without a switch file. */
	*status = EXIT_TEMPFAIL;
	if (!ascii_eq_nocase(m->file, SPAN("aliases")) && !span_eq(m->file, SPAN("hosts")) &&
	    !span_eq(m->file, SPAN("passwd")))
		return NULL;
	*status = EXIT_NOHOST;
	/* A switch has no members of its own: the count says that this was told. */
	if (!sub && !m->members) {
		m->members = 1;
		cf_report(ev, "", "Switch map %.*s: unknown member map %.*s", SPAN_ARG(m->name),
			  SPAN_ARG(buf_span(&b)));
	}
	return sub;
}

/* The first member that finds it; one that failed for now counts when none does. */
static bool sequence(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		     struct buf *out, int *status)
{
	bool temp = false;

	for (int i = 0; i < m->members; i++) {
		struct cf_map *sub = cf_map_find(ev->cf, m->member[i]);

		*status = 0;
		if (sub && run(ev, sub, key, args, out, status))
			return true;
		temp |= *status == EXIT_TEMPFAIL;
	}
	if (temp)
		*status = EXIT_TEMPFAIL;
	else if (*status == 0)
		*status = EXIT_NOHOST;
	return false;
}

/* A map whose data the host has. */
static bool outside(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		    struct buf *out, int *status)
{
	char mem[CF_LINE];
	bool regex = m->kind == CFM_REGEX;
	struct span folded;
	struct buf v;

	buf_init_fixed(&v, mem, sizeof mem);
	/* Files are compiled from lower-case keys unless -f says that case matters. */
	folded = arena_dup(&ev->mem, key);
	if (!cf_map_flag(m, 'f') &&
	    (m->kind == CFM_TEXT || m->kind == CFM_HASH || m->kind == CFM_CDB))
		ascii_fold((char *)folded.ptr, folded.len);
	*status = ev->host->lookup(ev->host->ctx, ev, m, folded, args, &v);
	if (*status) {
		/* A pattern that does not match is no error. */
		if (*status < 0)
			*status = 0;
		return false;
	}
	if (regex && !v.ptr)
		buf_puts(&v, "");
	/*
	 * -m: only whether it is there counts, the result is the key itself; of a user as the
	 * system writes it. A regex has
	 * put the substrings asked for into the value already, where "%1" is matched text.
	 */
	if (cf_map_flag(m, 'm') && m->kind != CFM_USER)
		finish_value(m, key, NULL, out);
	else
		finish_value(m, buf_span(&v), regex ? NULL : args, out);
	return true;
}

static bool run(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		struct buf *out, int *status)
{
	char mem[CF_LINE];
	struct buf b;

	*status = 0;
	if (!m->is_open)
		return false;
	/* Any value is cut at CF_LINE, so the token splitter sees nothing longer than a line. */
	buf_init_fixed(&b, mem, sizeof mem);
	switch (m->kind) {
	case CFM_DEQUOTE:
		if (!dequote(m, key, &b))
			return false;
		finish_value(m, buf_span(&b), NULL, out);
		return true;
	case CFM_ARITH:
		return cf_arith(ev, m, key, args, out, status);
	case CFM_MACRO:
		set_macro(ev, key, args);
		return true;
	case CFM_SEQUENCE:
		return sequence(ev, m, key, args, out, status);
	/* No switch file is read: everything is in files. */
	case CFM_SWITCH:
		m = switched(ev, m, status);
		return m && m->kind != CFM_SWITCH && run(ev, m, key, args, out, status);
	case CFM_STAB:
		*status = EXIT_TEMPFAIL;
		return false;
	case CFM_NULL:
	case CFM_NONE:
		*status = EXIT_NOHOST;
		return false;
	default:
		return outside(ev, m, key, args, out, status);
	}
}

bool cf_map_raw(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		struct buf *out, int *status)
{
	return run(ev, m, key, args, out, status);
}

struct span cf_strip_quotes(struct cf_eval *ev, struct span s)
{
	char *p = (char *)arena_dup(&ev->mem, s).ptr;
	size_t n = 0;

	for (size_t i = 0; p && i < s.len; i++) {
		if (s.ptr[i] == '\\' && i + 1 < s.len)
			i++;
		else if (s.ptr[i] == '"')
			continue;
		p[n++] = s.ptr[i];
	}
	return span_make(p, n);
}

static void trace_lookup(struct cf_eval *ev, enum cf_step step, const struct cf_map *m,
			 struct span text, const struct span *args, int status)
{
	struct cf_trace t = {.step = step, .map = m, .text = text, .args = args, .status = status};

	if (ev->host->trace && ev->debug_maps)
		ev->host->trace(ev->host->ctx, &t);
}

bool cf_map_lookup(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		   struct buf *out, int *status)
{
	size_t before = out->len;
	bool found;

	if (!cf_map_flag(m, 'q'))
		key = cf_strip_quotes(ev, key);
	trace_lookup(ev, CF_STEP_LOOKUP, m, key, args, 0);
	found = run(ev, m, key, args, out, status);
	trace_lookup(ev, found ? CF_STEP_FOUND : CF_STEP_MISSING, m,
		     span_skip(buf_span(out), before), NULL, *status);
	/*
	 * -T: a lookup that failed for now matches with the key and this suffix, by which
	 * the rules can tell it from a real value and answer 4xx.
	 */
	if (!found && *status == EXIT_TEMPFAIL && cf_map_flag(m, 'T')) {
		buf_put(out, key);
		buf_put(out, m->T);
		found = true;
	}
	return found;
}

struct span cf_join_kept(struct cf_eval *ev, const struct cf_tok *tok, size_t n, char space,
			 size_t size)
{
	char mem[CF_LINE];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	cf_join(ev->cf, tok, n, space, size, &b);
	return arena_dup(&ev->mem, buf_span(&b));
}

void cf_lookup_split(struct cf_eval *ev, const struct cf_tok *tok, size_t n, struct cf_lookup *l)
{
	size_t i = 0, start, room = CF_NAME + CF_ATOMS;

	*l = (struct cf_lookup){.key = tok, .nargs = 1};
	while (i < n && tok[i].op != CF_HOST && tok[i].op != CF_USER)
		i++;
	l->nkey = i;
	while (i < n) {
		bool is_arg = tok[i].op == CF_HOST;

		start = ++i;
		while (i < n && tok[i].op != CF_HOST && tok[i].op != CF_USER)
			i++;
		/* The last $: counts; arguments without room are dropped, as sendmail does. */
		if (!is_arg) {
			l->dflt = tok + start;
			l->ndflt = i - start;
			l->has_dflt = true;
		} else if (l->nargs < CF_MAP_ARGS - 1) {
			struct span *arg = &l->arg[l->nargs++];

			*arg = cf_join_kept(ev, tok + start, i - start, '\0', room);
			room = room > arg->len + 4 ? room - arg->len - 1 : 3;
		}
	}
}
