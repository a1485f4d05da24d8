/*
 * wire: the typed, bounded messages that roles send each other, as octets.
 *
 * A message is a 16-bit type, a 32-bit id that the answer repeats, and fields
 * in a fixed order: integers in little-endian order, spans with a 16-bit length
 * before them.  What comes in is hostile until it was read to its end: every
 * getter checks bounds, a failure is sticky and gives zeros, and wire_end tells
 * whether all went well and nothing was left over.
 */
#ifndef LETTERBOX_BASE_WIRE_H
#define LETTERBOX_BASE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum {
	WIRE_HEADER = 6, /* octets before the fields */
	WIRE_MAX = 4096, /* octets of a whole message: an address, a user, an error fit */
	/* of one whose last field is a long span, for the few receivers that expect such */
	WIRE_LARGE_MAX = WIRE_MAX + 16384,
};

/* Starts a message in b, which is emptied and must allow WIRE_MAX octets. */
void wire_begin(struct buf *b, uint16_t type, uint32_t id);

void wire_put_u8(struct buf *b, uint8_t v);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_u64(struct buf *b, uint64_t v);

/* At most 65535 octets; a longer span sets b's overflow mark. */
void wire_put_span(struct buf *b, struct span s);

/* The length of a last span whose octets the sender puts behind b itself. */
void wire_put_tail(struct buf *b, size_t len);

/* Class, status, errno and text. */
void wire_put_err(struct buf *b, const struct err *e);

struct wire_in {
	uint16_t type;
	uint32_t id;
	struct span rest; /* octets not read yet, borrowed from the receiver's memory */
	bool bad;         /* sticky: a field was not there or not valid */
};

/* Reads the header of the message in octets; false when it is too short or too long. */
bool wire_open(struct wire_in *in, struct span octets);
bool wire_open_large(struct wire_in *in, struct span octets);

uint8_t wire_get_u8(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);

/* A borrowed span of at most max octets; a longer one is bad. */
struct span wire_get_span(struct wire_in *in, size_t max);

/* Copies a span of less than cap octets without a NUL in it, NUL-terminated, into dst. */
void wire_get_cstr(struct wire_in *in, char *dst, size_t cap);

/* An error record; its text is made printable. */
void wire_get_err(struct wire_in *in, struct err *e);

/* True when nothing was bad and nothing is left over. */
bool wire_end(const struct wire_in *in);

#endif
