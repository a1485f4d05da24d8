/* Paths and address lists: in bounds, and what is cleaned is taken again as it is. */
#include <stdint.h>
#include <stdlib.h>

#include "format/address.h"

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static void check_list(struct span in)
{
	struct address_list l;
	struct address_item it;
	struct address_path p;
	struct buf out;
	size_t last = 0;

	buf_init(&out, 1 << 20);
	address_list_init(&l, in);
	while (address_list_next(&l, &it)) {
		demand(l.at > last);
		last = l.at;
		buf_reset(&out);
		address_put_name(it.name, &out);
		address_put_name(it.comment, &out);
		address_put_name(it.group, &out);
		buf_reset(&out);
		if (address_put_clean(it.addr, &out) == ADDRESS_OK) {
			demand(address_parse(buf_span(&out), &p) == ADDRESS_OK);
			demand(span_eq(p.mailbox, buf_span(&out)));
			for (size_t i = 0; i < out.len; i++)
				demand((unsigned char)out.ptr[i] >= 0x20 && out.ptr[i] != 0x7f);
		} else {
			demand(out.len == 0);
		}
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size), local, domain, inner;
	struct address_path p, again;
	struct buf out;

	if (address_parse_path(in, &p) == ADDRESS_OK) {
		demand(p.mailbox.len <= ADDRESS_PATH_MAX - 2);
		demand(p.null || address_parse(p.mailbox, &again) == ADDRESS_OK);
		if (!p.null) {
			demand(span_eq(again.local, p.local) && span_eq(again.domain, p.domain));
			demand(address_eq(p.mailbox, again.mailbox));
		}
		buf_init(&out, 1024);
		address_put_unquoted(p.local, &out);
		struct buf quoted;
		buf_init(&quoted, 1024);
		address_put_quoted(buf_span(&out), &quoted);
		/* Two quotes are longer than one backslash: it may pass the maximum now. */
		enum address_error e = address_parse(buf_span(&quoted), &again);
		bool longer = quoted.len > ADDRESS_PATH_MAX - 2;
		demand(buf_ok(&quoted) && e == (longer ? ADDRESS_TOO_LONG : ADDRESS_OK));
		buf_free(&quoted);
		buf_free(&out);
	}
	address_split(in, &local, &domain);
	address_split_detail(local, &inner, &domain);
	address_literal_kind(in, &inner);
	address_is_safe(in);
	check_list(in);
	return 0;
}
