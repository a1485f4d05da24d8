/*
 * Addresses of texts; see start/texts.h.
 *
 * Where the next text is thought to be hangs on the addresses as they are, not as they are packed:
 * on the way there these are what goes in, on the way back what comes out.
 */
#include "start/texts.h"

enum {
	NEAR = 256,            /* octets behind the end of the text before */
	WORD = sizeof(void *), /* of a table */
};

struct walk {
	const uint8_t *data;
	uint32_t origin; /* the address that is at DATA, had the code no room */
	uint32_t mark;   /* the image's headers are here: nobody names them */
	uint32_t next;
	unsigned near;
	bool back;
};

static uint32_t turn(struct walk *w, uint32_t v)
{
	bool near = v - w->next < NEAR, marked = v - w->mark < NEAR;
	uint32_t turned = near ? v - w->next + w->mark : marked ? v - w->mark + w->next : v;

	if (w->back ? marked : near) {
		const uint8_t *text = w->data + ((w->back ? turned : v) - w->origin);

		while (*text++)
			continue;
		w->next = w->origin + (uint32_t)(text - w->data);
		w->near++;
	}
	return turned;
}

unsigned texts_turn(const struct image *image, uint8_t *constants, uint64_t count, uint8_t *data,
		    bool back)
{
	uint32_t start = (uint32_t)image->segment[0].address;
	struct walk w = {
	    data, start + (uint32_t)(image->code_end - image->code), start, image->texts, 0, back};
	uint32_t v;

	for (; count > 0; count--, constants += sizeof v) {
		__builtin_memcpy(&v, constants, sizeof v);
		v = __builtin_bswap32(turn(&w, __builtin_bswap32(v)));
		__builtin_memcpy(constants, &v, sizeof v);
	}
	for (uint32_t at = (start + (uint32_t)image->code_end + WORD - 1) / WORD * WORD;
	     at < image->texts; at += WORD) {
		__builtin_memcpy(&v, data + (at - w.origin), sizeof v);
		v = turn(&w, v);
		__builtin_memcpy(data + (at - w.origin), &v, sizeof v);
	}
	return w.near;
}
