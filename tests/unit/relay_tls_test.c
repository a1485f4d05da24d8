/*
 * service/relay_tls: whether STARTTLS is said.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "service/relay_part.h"
#include "service/route.h"
#include "unit/test.h"

/* Their table forbids TLS with this host; that it cannot be read now is no reason to do without. */
TEST(rulesets_without_their_table)
{
	static const char *const rules[] = {
	    "Stry_tls\nR$*\t$: $(hosts $1 $: yes $)\nRno\t$#error $@ 5.7.1 $: 550 no TLS\n",
	    "Stls_clt_features\nR$* $| $*\t$: $(hosts $1 $: no list $)\n",
	};
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
	CHECK(settings_init(&r->settings, &e));
	CHECK(getrlimit(RLIMIT_NOFILE, &usual) == 0);
	for (int i = 0; i < 4; i++) {
		bool readable = i % 2;

		snprintf(cf, sizeof cf, "V10\nKhosts hash %s\n%s", table, rules[i / 2]);
		r->config = config_load(span_str(cf), "test", NULL, &r->settings, &e);
		CHECK(r->config && config_errors(r->config) == 0);
		r->settings.checks = route_checks(r->config);
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
