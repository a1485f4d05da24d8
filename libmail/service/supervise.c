/*
 * The gate's roles: start, watch, start again, stop; see service/supervise.h.
 *
 * A role's death has two witnesses, its channel and SIGCHLD, in either order.  The channel's
 * end only has the process killed; everything else happens when it is reaped, so that there
 * is one place where a role goes down and never two processes of one name.
 */
#include "service/supervise.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/proc.h"

static struct supervise_role *role_of_channel(struct ipc *c)
{
	return (struct supervise_role *)((char *)c - offsetof(struct supervise_role, channel));
}

static bool channel_message(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct supervise_role *r = role_of_channel(c);

	return r->on_message(r, in, fds);
}

static void channel_closed(struct ipc *c)
{
	struct supervise_role *r = role_of_channel(c);

	/* Not reaped yet, so the pid cannot be somebody else's. */
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
}

/* setup sends everything the role needs; it answers READY when it is done. */
static bool start(struct supervise_role *r, struct err *e)
{
	struct proc_child child;

	if (!proc_spawn_role(r->name, &child, e))
		return false;
	r->pid = child.pid;
	r->started_ms = clock_ms();
	r->channel.on_message = channel_message;
	r->channel.on_close = channel_closed;
	if (!ipc_open(&r->channel, r->supervise->loop, child.control, e)) {
		close(child.control);
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
		r->pid = 0;
		return false;
	}
	r->setup(r);
	return true;
}

/*
 * A role that ran for a while is started at once; one that dies young waits longer each
 * time, so that a broken set-up does not burn the processor.
 */
static void start_later(struct supervise_role *r)
{
	bool young = clock_ms() - r->started_ms < SUPERVISE_YOUNG_MS;

	if (!young)
		r->wait_ms = 0;
	else if (r->wait_ms == 0)
		r->wait_ms = SUPERVISE_BACKOFF_MS;
	else if (r->wait_ms < SUPERVISE_BACKOFF_MAX / 2)
		r->wait_ms *= 2;
	else
		r->wait_ms = SUPERVISE_BACKOFF_MAX;
	loop_timer_set(r->supervise->loop, &r->retry, r->wait_ms);
}

static void retry(struct loop_timer *t)
{
	struct supervise_role *r =
	    (struct supervise_role *)((char *)t - offsetof(struct supervise_role, retry));
	struct err e;

	if (start(r, &e))
		return;
	log_err("%s", e.text);
	r->started_ms = clock_ms();
	start_later(r);
}

void supervise_describe(int status, char *out, size_t cap)
{
	if (WIFSIGNALED(status))
		snprintf(out, cap, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(out, cap, "exit status %d", WEXITSTATUS(status));
}

static bool all_down(const struct supervise *s)
{
	for (const struct supervise_role *r = s->first; r; r = r->next)
		if (r->pid > 0)
			return false;
	return true;
}

/* The caller may free the roles in on_stopped, so nothing follows it. */
static void finished(struct supervise *s)
{
	loop_timer_clear(s->loop, &s->grace);
	s->on_stopped(s);
}

static void went_down(struct supervise_role *r, int status)
{
	struct supervise *s = r->supervise;
	char how[64];

	r->pid = 0;
	ipc_close(&r->channel);
	supervise_describe(status, how, sizeof how);
	if (s->stopping && status == 0)
		log_debug("%s: ended", r->name);
	else
		log_warn("%s: ended with %s", r->name, how);
	if (r->on_down)
		r->on_down(r);
	if (!s->stopping)
		start_later(r);
	else if (all_down(s))
		finished(s);
}

void supervise_reap(struct supervise *s)
{
	pid_t pid;
	int status;

	while ((pid = proc_reap(&status)) > 0) {
		/* Delivery agents are children, too, and so is everything when we are process 1. */
		struct supervise_role *r = s->first;

		while (r && r->pid != pid)
			r = r->next;
		if (r)
			went_down(r, status);
		else if (s->on_child)
			s->on_child(s, pid, status);
	}
}

void supervise_signal(struct supervise *s, int signo)
{
	for (struct supervise_role *r = s->first; r; r = r->next)
		if (r->pid > 0)
			kill(r->pid, signo);
}

static void grace_over(struct loop_timer *t)
{
	struct supervise *s = (struct supervise *)((char *)t - offsetof(struct supervise, grace));

	if (all_down(s)) {
		finished(s);
		return;
	}
	log_warn("killing the roles that did not finish in time");
	supervise_signal(s, SIGKILL);
}

void supervise_stop(struct supervise *s, uint32_t grace_ms)
{
	bool again = s->stopping;

	s->stopping = true;
	for (struct supervise_role *r = s->first; r; r = r->next)
		loop_timer_clear(s->loop, &r->retry);
	/* A second signal is from somebody who does not want to wait. */
	supervise_signal(s, again ? SIGKILL : SIGTERM);
	/* With nothing to wait for, the timer still has on_stopped called from the loop. */
	loop_timer_set(s->loop, &s->grace, all_down(s) ? 0 : grace_ms);
}

void supervise_init(struct supervise *s, struct loop *l,
		    void (*on_child)(struct supervise *s, pid_t pid, int status),
		    void (*on_stopped)(struct supervise *s))
{
	*s = (struct supervise){.loop = l, .on_child = on_child, .on_stopped = on_stopped};
	s->last = &s->first;
	s->grace.fire = grace_over;
}

void supervise_add(struct supervise *s, struct supervise_role *r)
{
	r->supervise = s;
	r->next = NULL;
	r->pid = 0;
	r->channel.watch.fd = -1;
	r->retry = (struct loop_timer){.fire = retry};
	r->wait_ms = 0;
	*s->last = r;
	s->last = &r->next;
}

/* Either all start or none stays: a half-started daemon would accept mail and not deliver it. */
bool supervise_start(struct supervise *s, struct err *e)
{
	for (struct supervise_role *r = s->first; r; r = r->next) {
		if (start(r, e))
			continue;
		supervise_signal(s, SIGKILL);
		return false;
	}
	return true;
}
