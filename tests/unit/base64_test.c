/* base/base64: RFC 4648 section 10, every octet, and what must be refused. */
#include "base/base64.h"

#include "unit/test.h"

struct pair {
	struct span plain, coded;
};

static const struct pair vectors[] = {
    {{"", 0}, {"", 0}},
    {{"f", 1}, {"Zg==", 4}},
    {{"fo", 2}, {"Zm8=", 4}},
    {{"foo", 3}, {"Zm9v", 4}},
    {{"foob", 4}, {"Zm9vYg==", 8}},
    {{"fooba", 5}, {"Zm9vYmE=", 8}},
    {{"foobar", 6}, {"Zm9vYmFy", 8}},
    {{"\0", 1}, {"AA==", 4}},
    {{"\xff\xff\xff", 3}, {"////", 4}},
    {{"\xfb\xff", 2}, {"+/8=", 4}},
};

TEST(base64_vectors_both_ways)
{
	struct buf b;

	buf_init(&b, 64);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		buf_reset(&b);
		base64_encode(vectors[i].plain, &b);
		CHECK_SPAN(buf_span(&b), vectors[i].coded);
		buf_reset(&b);
		CHECK(base64_decode(vectors[i].coded, &b));
		CHECK_SPAN(buf_span(&b), vectors[i].plain);
	}
	buf_free(&b);
}

TEST(base64_every_length_and_octet)
{
	unsigned char octets[256];
	struct buf coded, plain;

	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (unsigned char)(255 - i);
	buf_init(&coded, 1024);
	buf_init(&plain, 1024);
	for (size_t n = 0; n <= sizeof octets; n++) {
		buf_reset(&coded);
		buf_reset(&plain);
		base64_encode(span_make(octets, n), &coded);
		CHECK_INT(coded.len, (n + 2) / 3 * 4);
		CHECK(base64_decode(buf_span(&coded), &plain));
		CHECK_SPAN(buf_span(&plain), span_make(octets, n));
	}
	buf_free(&coded);
	buf_free(&plain);
}

TEST(base64_refuses)
{
	static const struct span wrong[] = {
	    {"Z", 1},    {"Zg", 2},    {"Zg=", 3},  {"Zg===", 5},    {"====", 4},   {"Z===", 4},
	    {"Zg=a", 4}, {"Zh==", 4},  {"Zm9=", 4}, {"Zg==Zg==", 8}, {"Zm9v\n", 5}, {"Zm\n9", 4},
	    {" m9v", 4}, {"Zm9\0", 4}, {"Zm-_", 4}, {"Zm9\xe9", 4},  {"=m9v", 4},   {"Zm9v====", 8},
	};
	struct buf b;

	buf_init(&b, 64);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		buf_reset(&b);
		if (base64_decode(wrong[i], &b))
			TEST_FAIL("accepted: \"%.*s\"", SPAN_ARG(wrong[i]));
	}
	buf_free(&b);
}

TEST_MAIN
