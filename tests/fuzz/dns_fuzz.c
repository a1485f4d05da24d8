/* DNS answers (proto/dns.h): octets as they might come from a server. */
#include <stddef.h>
#include <stdint.h>

#include "proto/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {DNS_A, DNS_MX, DNS_TXT};
	struct span msg = span_make(data, size);
	struct dns_record r;
	struct dns_answer a;
	char mem[1024];
	uint32_t ttl = 0;
	struct buf b;

	for (int i = 0; i < 3; i++) {
		if (!dns_open_answer(&a, msg, 0x1234, SPAN("a.example"), types[i]))
			continue;
		dns_read_ttl(&a, &ttl);
		while (dns_next_record(&a, &r)) {
			buf_init_fixed(&b, mem, sizeof mem);
			dns_put_data(&r, &b);
		}
	}
	return 0;
}
