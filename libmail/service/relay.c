/*
 * The role "relay": set-up, jobs and outcomes.  See service/relay_part.h.
 *
 * Has no file system, no accounts and no listeners: all that it reads for its work (name
 * servers, authorities, the smart host's password) it reads before it closes its box.
 */
#include "service/relay.h"

#include <stdlib.h>
#include <unistd.h>

#include "service/relay_part.h"
#include "service/role.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/proc.h"

enum {
	MAX_FILES = 8192, /* two for each of RELAYS_FLIGHT, and connections */
	PASSWORD_MAX = 512,
	JOB_MAX = 1 << 20,   /* octets of a job: its recipients have less */
	SPARE_OCTETS = 8192, /* hardly any job takes more */
	SPARES_MAX = 32,
};

static void close_files(struct relay_job *job)
{
	if (job->fd >= 0)
		close(job->fd);
	if (job->header >= 0)
		close(job->header);
	job->fd = job->header = -1;
}

static void free_job(struct relay *r, struct relay_job *job)
{
	close_files(job);
	/* Kept for the next one, unless it is large. */
	if (job->arena.total > SPARE_OCTETS || r->spares == SPARES_MAX) {
		arena_free(&job->arena);
		free(job);
		return;
	}
	job->next = r->spare;
	r->spare = job;
	r->spares++;
}

bool relay_answer(struct relay *r, struct relay_job *job, const char *remote)
{
	size_t left = 0;
	char mem[WIRE_MAX];
	struct buf b;

	for (size_t i = 0; i < job->count; i++)
		left += job->rcpts[i].again;
	/* Before the queue role removes it: the last who closes a file waits until it is freed. */
	if (!left)
		close_files(job);
	left = 0;
	buf_init_fixed(&b, mem, sizeof mem);
	for (size_t i = 0; i < job->count; i++) {
		struct relay_rcpt *rcpt = &job->rcpts[i];
		struct mta_sent sent = {.index = rcpt->index,
					.err = rcpt->err,
					.code = rcpt->code,
					.remote = span_str(remote)};

		if (rcpt->again) {
			rcpt->again = false;
			job->rcpts[left++] = *rcpt;
			continue;
		}
		mta_ipc_put_sent(&b, job->number, &sent);
		ipc_send(&r->queue_role, &b, NULL, 0);
	}
	job->count = left;
	if (!left)
		free_job(r, job);
	return left > 0;
}

void relay_answer_all(struct relay *r, struct relay_job *job, const struct err *e,
		      const char *remote)
{
	for (size_t i = 0; i < job->count; i++) {
		job->rcpts[i].err = *e;
		job->rcpts[i].code = 0;
		job->rcpts[i].again = false;
	}
	relay_answer(r, job, remote);
}

void relay_forget_jobs(struct relay *r)
{
	for (struct relay_job *job; (job = r->spare) != NULL; r->spares--) {
		r->spare = job->next;
		arena_free(&job->arena);
		free(job);
	}
}

static struct relay_job *take_job(struct relay *r)
{
	struct relay_job *job = r->spare;

	if (job) {
		r->spare = job->next;
		r->spares--;
	} else {
		job = calloc(1, sizeof *job);
	}
	if (!job)
		return NULL;
	*job = (struct relay_job){.arena = job->arena, .fd = -1, .header = -1};
	job->arena.max = JOB_MAX;
	arena_reset(&job->arena);
	return job;
}

/* The rest of in, which the job's spans point to, so that it has to stay. */
static bool keep(struct relay_job *job, struct wire_in *in)
{
	in->rest = arena_dup(&job->arena, in->rest);
	return arena_ok(&job->arena);
}

/* Recipients of the job at at, which is in line when there is no more to come. */
static bool add_rcpts(struct relay *r, struct relay_job **at, struct wire_in *in)
{
	struct relay_job *job = *at;
	struct mta_send_to to;

	while (in->rest.len) {
		if (job->count == job->send.rcpts || !mta_ipc_get_send_to(in, &to))
			return false;
		job->rcpts[job->count] = (struct relay_rcpt){.index = (uint32_t)job->count,
							     .addr = to.addr,
							     .orcpt = to.orcpt,
							     .notify = to.notify};
		job->count++;
	}
	if (job->count == job->send.rcpts) {
		*at = job->next;
		job->next = NULL;
		relay_dest_add(r, job);
	}
	return true;
}

static bool on_send(struct relay *r, const struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct relay_job *job = take_job(r);
	struct wire_in copy = *in;

	if (!job)
		return false;
	job->number = in->id;
	if (!keep(job, &copy) || fds[0] < 0 || !mta_ipc_get_send(&copy, &job->send) ||
	    !(job->rcpts = arena_alloc(&job->arena, job->send.rcpts * sizeof *job->rcpts)) ||
	    !(job->marks = arena_alloc(&job->arena, job->send.rcpts))) {
		free_job(r, job);
		return false;
	}
	job->fd = fds[0];
	job->header = fds[1];
	fds[0] = fds[1] = -1;
	job->next = r->coming;
	r->coming = job;
	return add_rcpts(r, &r->coming, &copy);
}

static bool on_send_to(struct relay *r, const struct wire_in *in)
{
	struct relay_job **at = &r->coming;
	struct wire_in copy = *in;

	while (*at && (*at)->number != in->id)
		at = &(*at)->next;
	return *at && keep(*at, &copy) && add_rcpts(r, at, &copy);
}

static void on_stop_time(struct loop_timer *t)
{
	loop_stop(&((struct relay *)((char *)t - offsetof(struct relay, stop)))->loop);
}

/* Finishes what the server may already have taken, answers the rest. */
static void stop(struct relay *r)
{
	struct err e;

	r->stopping = true;
	err_temp(&e, "4.3.2", "the mail system is being stopped");
	for (struct relay_dest *d = r->dests; d; d = d->next) {
		struct relay_job *job;

		while ((job = relay_dest_take(d)) != NULL)
			relay_answer_all(r, job, &e, "");
		for (struct relay_session *s = d->sessions, *next; s; s = next) {
			next = s->next;
			relay_session_stop(s);
		}
	}
	loop_timer_set(&r->loop, &r->stop, RELAY_STOP_MS);
}

static bool on_message(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct relay *r = (struct relay *)((char *)c - offsetof(struct relay, queue_role));

	switch (in->type) {
	case MTA_SEND:
		return on_send(r, in, fds);
	case MTA_SEND_TO:
		return on_send_to(r, in);
	case MTA_STOP:
		stop(r);
		return true;
	default:
		return false;
	}
}

static void on_close(struct ipc *c)
{
	loop_stop(&((struct relay *)((char *)c - offsetof(struct relay, queue_role)))->loop);
}

static bool on_config(void *arg, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct relay *r = arg;
	struct span name;

	if (in->type != MTA_CONFIG || r->config_fd >= 0 || fds[0] < 0 ||
	    !mta_ipc_get_text(in, &name) || !span_to_cstr(name, r->name, sizeof r->name))
		return false;
	r->config_fd = fds[0];
	fds[0] = -1;
	return true;
}

/* For rules about servers: nobody waits here, and addresses were made canonical before. */
static int know_no_names(struct resolver *r, struct span name, uint16_t type, struct dns_answer *a)
{
	(void)r;
	(void)name;
	(void)type;
	(void)a;
	return EXIT_NOHOST;
}

static bool read_config(struct relay *r, struct err *e)
{
	if (r->config_fd < 0)
		return true;
	r->config = config_load_fd(r->config_fd, r->name, &r->settings, e);
	close(r->config_fd);
	if (!r->config)
		return false;
	r->config->resolver.ask = know_no_names;
	/* Later no file can be opened. */
	return config_open_maps(r->config, e);
}

/* The smart host's user and password, and the authorities that it is judged by. */
static bool read_secrets(struct relay *r, struct err *e)
{
	struct err why;
	bool found;
	int fd;

	buf_init(&r->password, PASSWORD_MAX);
	if (r->settings.relay[0] &&
	    (!smarthost_parse(span_str(r->settings.relay), &r->url, e) ||
	     !settings_variable("LETTERBOX_RELAY_PASSWORD", &r->password, &found, e)))
		return false;
	if (!read_config(r, e))
		return false;
	fd = tlsroots_open(r->settings.ca, &why);
	if (fd < 0)
		log_warn("relay: no certificate authorities: %s", why.text);
	tlsroots_use(&r->roots, fd);
	return true;
}

static bool enter(struct relay *r, struct err *e)
{
	struct box box = {.role = "relay", .allow = BOX_SOCKETS, .max_files = MAX_FILES};

	if (!resolver_init(&r->resolver, e) || !read_secrets(r, e))
		return false;
	/* A Unix socket is found by its path; opening files is not allowed anyway. */
	if (!r->settings.unix_targets)
		box.chroot_dir = box_empty_dir();
	return box_account(&box.uid, &box.gid, &box.drop, e) && box_enter(&box, e);
}

static bool start(struct relay *r, struct err *e)
{
	r->queue_role.on_message = on_message;
	r->queue_role.on_close = on_close;
	r->stop.fire = on_stop_time;
	r->config_fd = -1;
	if (!loop_init(&r->loop, e) || !settings_init(&r->settings, e) ||
	    !role_setup(&r->settings, on_config, r, e) || !enter(r, e))
		return false;
	dns_client_init(&r->dns, &r->loop, &r->resolver);
	dns_client_attach(&r->dns, &r->resolver);
	return ipc_open(&r->queue_role, &r->loop, PROC_CONTROL_FD, e);
}

int relay_main(int argc, char **argv)
{
	struct relay *r = calloc(1, sizeof *r);
	struct err e = {0};

	(void)argc;
	(void)argv;
	proc_enter_role("relay");
	log_init("sendmail", LOG_T_AUTO);
	clock_init();
	if (!r || !start(r, &e)) {
		log_err("relay: %s", e.text);
		return EXIT_OSERR;
	}
	loop_run(&r->loop);
	buf_wipe(&r->password);
	return 0;
}
