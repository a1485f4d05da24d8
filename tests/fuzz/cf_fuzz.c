/*
 * The sendmail.cf engine on any configuration and any address: what stands before
 * the first NUL is the configuration, the rest an address, which then goes through
 * ruleset 3 and 0, is parsed, cracked, and written for each mailer; and as a header, too.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cf/cf_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int lookup(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		  const struct span *args, struct buf *out)
{
	(void)ctx;
	(void)ev;
	(void)m;
	(void)args;
	if (key.len % 3 == 0)
		return EXIT_NOHOST;
	buf_put(out, key);
	return key.len % 3 == 1 ? 0 : EXIT_TEMPFAIL;
}

static bool open_map(void *ctx, struct cf_eval *ev, struct cf_map *m)
{
	(void)ctx;
	(void)ev;
	(void)m;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cf_host host = {.lookup = lookup, .open_map = open_map};
	struct span in = span_make(data, size), config = span_cut(&in, '\0');
	struct cf_eval ev;
	struct cf_sender sender;
	struct cf_addr a;
	struct buf b, shown;
	struct cf cf;

	if (in.len > CF_LINE || config.len > 4096)
		return 0;
	cf_init(&cf);
	cf_eval_init(&ev, &cf, &host);
	cf_load(&ev, config);
	cf_addr_parse(&ev, in, 0, &a);
	buf_init(&b, 1 << 16);
	for (int i = 0; i < cf.nmailers && i < 4; i++)
		cf_addr_remote(&ev, in, cf.mailers[i], (unsigned)i, &b);
	cf_header_sender(&ev, in, &sender);
	for (int i = 0; i < cf.nmailers && i < 4; i++) {
		cf_header_return_path(&ev, &sender, cf.mailers[i], &b);
		cf_header_from_line(&ev, cf.mailers[i], &b);
		cf_header_write(&ev, &sender, cf.mailers[i], in, i & 1, &b);
	}
	cf_crack(NULL, in, &b);
	buf_init(&shown, 1 << 18);
	cf_show(&cf, buf_span(&b), &shown);
	buf_free(&shown);
	buf_free(&b);
	cf_eval_free(&ev);
	cf_free(&cf);
	return 0;
}
