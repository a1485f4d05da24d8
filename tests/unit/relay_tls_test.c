/*
 * service/relay_tls: whether STARTTLS is said.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "service/relay_part.h"
#include "service/route.h"
#include "unit/test.h"

/* Its table forbids TLS with this host; that it cannot be read now is no reason to do without. */
TEST(try_tls_without_its_table)
{
	struct relay *r = calloc(1, sizeof *r);
	struct relay_addr addr = {.name = "plain.test"};
	struct relay_dest dest = {.relay = r, .addrs = &addr};
	struct relay_session s = {
	    .dest = &dest, .verify = "NONE", .name = "plain.test [192.0.2.1]"};
	char table[] = "/tmp/relay_tls.XXXXXX", cf[256];
	struct rlimit usual, limit;
	int fd = mkstemp(table);
	struct err e;

	CHECK(r && write(fd, "plain.test no\n", 14) == 14);
	close(fd);
	snprintf(cf, sizeof cf,
		 "V10\nKhosts hash %s\nStry_tls\nR$*\t$: $(hosts $1 $: yes $)\n"
		 "Rno\t$#error $@ 5.7.1 $: 550 no TLS\n",
		 table);
	CHECK(settings_init(&r->settings, &e));
	for (int readable = 0; readable < 2; readable++) {
		r->config = config_load(span_str(cf), "test", NULL, &r->settings, &e);
		CHECK(r->config && config_errors(r->config) == 0);
		r->settings.checks = route_checks(r->config);
		CHECK(getrlimit(RLIMIT_NOFILE, &usual) == 0);
		limit = usual;
		limit.rlim_cur = readable ? usual.rlim_cur : 0;
		CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		CHECK_INT(relay_tls_try(&s), !readable);
		CHECK(setrlimit(RLIMIT_NOFILE, &usual) == 0);
		config_free(r->config);
	}
	unlink(table);
	free(r);
}

TEST_MAIN
