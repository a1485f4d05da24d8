/*
 * The role "queue": set-up, messages of gate and smtpd, and the schedule.  See
 * service/schedule.h.
 */
#include "service/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/num.h"
#include "service/role.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/proc.h"

enum { COMMIT_THREADS = 2 };

void schedule_stop(struct schedule *q)
{
	q->stopping = true;
	loop_timer_clear(&q->loop, &q->wake);
	relays_stop(&q->relays);
	if (q->works + q->away == 0)
		loop_stop(&q->loop);
}

static void on_signal(struct loop *l, int signo)
{
	struct schedule *q = (struct schedule *)((char *)l - offsetof(struct schedule, loop));

	if (signo == SIGTERM)
		schedule_stop(q);
	else if (signo == SIGUSR1)
		schedule_run_all(q);
}

static bool on_gate(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct schedule *q = (struct schedule *)((char *)c - offsetof(struct schedule, gate));
	struct span text;
	uint32_t number;
	struct err e;

	switch (in->type) {
	case MTA_ACCOUNT_IS:
	case MTA_ACCOUNT_FORWARDS:
		return schedule_check_answer(q, in);
	case MTA_AGENT_IS:
		if (!mta_ipc_get_outcome(in, &e, &text))
			return false;
		agents_answer(&q->agents, in->id, fds[0], &e);
		fds[0] = -1;
		return true;
	case MTA_RELAY_IS:
		if (!mta_ipc_get_outcome(in, &e, &text))
			return false;
		relays_answer(&q->relays, fds[0], &e);
		fds[0] = -1;
		return true;
	case MTA_PEER:
		ipc_close(&q->smtpd);
		if (fds[0] < 0 || !ipc_open(&q->smtpd, &q->loop, fds[0], &e))
			return false;
		fds[0] = -1;
		/* The one before may have died with something to tell. */
		schedule_scan(q);
		return true;
	case MTA_SETTING:
		return role_setting(&q->settings, in, &e);
	case MTA_CONFIG:
		return schedule_config_set(q, in, fds[0]);
	case MTA_RUN:
		if (!mta_ipc_get_number(in, &number))
			return false;
		q->one_shot |= number == 0; /* stays one once it is */
		schedule_run_all(q);
		return true;
	default:
		return false;
	}
}

static void on_gate_lost(struct ipc *c)
{
	struct schedule *q = (struct schedule *)((char *)c - offsetof(struct schedule, gate));

	schedule_check_gate_lost(q);
	agents_gate_lost(&q->agents);
	loop_stop(&q->loop);
}

static bool on_smtpd(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct schedule *q = (struct schedule *)((char *)c - offsetof(struct schedule, smtpd));
	char id[QUEUE_ID_MAX];
	struct span text, word;

	if (in->type >= MTA_CHECK_MAIL && in->type <= MTA_CHECK_OTHER)
		return schedule_verdict(q, in, fds[0]);
	if (in->type != MTA_QUEUED || !mta_ipc_get_text(in, &text))
		return false;
	if (!text.len)
		schedule_scan(q);
	while (text.len) {
		word = span_cut(&text, ' ');
		if (!queue_valid_id(word))
			return false;
		span_to_cstr(word, id, sizeof id);
		schedule_note(q, id, true);
	}
	return true;
}

static void on_smtpd_lost(struct ipc *c)
{
	(void)c; /* gate sends a new peer */
}

static void ask_agent(struct agents *a, uint32_t id, struct span user)
{
	struct schedule *q = (struct schedule *)((char *)a - offsetof(struct schedule, agents));
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_text(&b, MTA_AGENT, id, user);
	ipc_send(&q->gate, &b, NULL, 0);
}

static bool on_setup(void *arg, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct schedule *q = arg;
	uint32_t number;

	switch (in->type) {
	case MTA_PEER:
		q->smtpd.watch.fd = fds[0];
		fds[0] = -1;
		return true;
	case MTA_CONFIG:
		return schedule_config_set(q, in, fds[0]);
	case MTA_RUN: /* before START: a one-shot run */
		if (!mta_ipc_get_number(in, &number))
			return false;
		q->one_shot = number == 0;
		q->interval_s = number;
		return true;
	default:
		return schedule_choose_setup(q, in);
	}
}

static bool enter(struct schedule *q, struct err *e)
{
	char dir[QUEUE_PATH_MAX + 8];
	struct box box = {.role = "queue", .allow = BOX_FILES | BOX_THREADS, .max_files = 4096};
	int fd;

	if (q->may_ask)
		box.allow |= BOX_SOCKETS;
	if (!queue_open(&q->queue, q->settings.queue, false, e))
		return false;
	snprintf(dir, sizeof dir, "%s/queue", q->settings.queue);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* Without inotify (limits of a shared host) the periodic scan must do. */
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_MOVED_TO | IN_ATTRIB) < 0)
		log_warn("queue directory %s: cannot be watched: %s", dir, strerror(errno));
	q->changes.fd = fd;
	box.paths[0] = (struct box_path){q->settings.queue, true};
	box.paths[1] = (struct box_path){"/etc", false};
	for (int i = 0; i < CONFIG_DIRS && q->config->dir[i][0]; i++)
		box.paths[2 + i] = (struct box_path){q->config->dir[i], false};
	/* Lists lie wherever their owners have them; what the role may read is read by its uid. */
	if (q->includes)
		box.paths[2 + CONFIG_DIRS] = (struct box_path){"/", false};
	return box_account(&box.uid, &box.gid, &box.drop, e) && box_enter(&box, e);
}

static bool open_channels(struct schedule *q, struct err *e)
{
	int smtpd = q->smtpd.watch.fd, changes = q->changes.fd;

	q->gate.on_message = on_gate;
	q->gate.on_close = on_gate_lost;
	q->smtpd.on_message = on_smtpd;
	q->smtpd.on_close = on_smtpd_lost;
	q->smtpd.watch.fd = q->changes.fd = -1;
	q->changes.ready = schedule_changed;
	return ipc_open(&q->gate, &q->loop, PROC_CONTROL_FD, e) &&
	       (smtpd < 0 || ipc_open(&q->smtpd, &q->loop, smtpd, e)) &&
	       (changes < 0 || loop_add(&q->loop, &q->changes, changes, EPOLLIN, e));
}

static void on_interval(struct loop_timer *t)
{
	struct schedule *q = (struct schedule *)((char *)t - offsetof(struct schedule, interval));

	schedule_run_all(q);
	loop_timer_set(&q->loop, &q->interval, q->interval_s * 1000);
}

static bool start(struct schedule *q, struct err *e)
{
	static const int signals[] = {SIGTERM, SIGHUP, SIGUSR1, SIGINT, 0};

	q->smtpd.watch.fd = q->changes.fd = -1;
	if (!loop_init(&q->loop, e) || !settings_init(&q->settings, e) ||
	    !role_setup(&q->settings, on_setup, q, e) || !schedule_config_there(q, e) ||
	    !enter(q, e) || !loop_signals(&q->loop, signals, on_signal, e) || !open_channels(q, e))
		return false;
	q->pool = commit_pool_new(&q->loop, q->queue.tmp, q->queue.dir, COMMIT_THREADS, e);
	if (!q->pool)
		return false;
	agents_init(&q->agents, &q->loop, ask_agent);
	relays_init(&q->relays, &q->loop, schedule_relay_ask);
	q->interval.fire = on_interval;
	return true;
}

int schedule_main(int argc, char **argv)
{
	struct schedule *q = calloc(1, sizeof *q);
	struct err e = {0};

	(void)argc;
	(void)argv;
	proc_enter_role("queue");
	log_init("sendmail", LOG_T_AUTO);
	clock_init();
	if (!q || !start(q, &e)) {
		log_err("queue: %s", e.text);
		return EXIT_OSERR;
	}
	if (q->interval_s)
		loop_timer_set(&q->loop, &q->interval, q->interval_s * 1000);
	schedule_table_init(q);
	schedule_choose_tell_gate(q, MTA_READY);
	schedule_run_all(q);
	loop_run(&q->loop);
	commit_pool_free(q->pool);
	schedule_work_forget(q);
	buf_free(&q->header);
	schedule_choose_free(q);
	free(q->entries);
	free(q->cache);
	if (q->may_ask)
		dns_client_free(&q->dns);
	alias_free(&q->alias);
	config_free(q->config);
	free(q);
	return 0;
}
