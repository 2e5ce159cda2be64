// Limits, nice values, policies and cores of another process, which lives on another torus, and then while it moves.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIGRATE 4097

static void say(const char *what, long answer) {
	if (answer < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, answer);
}

// A process in a group of its own, of a user, that has done what it does first.
static pid_t start(uid_t user, void (*live)(int)) {
	int ends[2];
	char byte;
	pipe(ends);
	pid_t child = fork();
	if (!child) {
		close(ends[0]);
		setpgid(0, 0);
		if (user)
			setresuid(user, user, user);
		live(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	read(ends[0], &byte, 1);
	close(ends[0]);
	return child;
}

static void elsewhere(int ready) {
	syscall(MIGRATE, 0L, 1L, 0L);
	close(ready);
	for (;;)
		pause();
}

static void moving(int ready) {
	close(ready);
	for (long to = 1;; to = !to)
		syscall(MIGRATE, 0L, to, 0L);
}

static void end(pid_t child) {
	kill(child, SIGKILL);
	waitpid(child, 0, 0);
}

static long limit(pid_t pid, int resource, struct rlimit *new, struct rlimit *old) {
	return syscall(SYS_prlimit64, pid, resource, new, old);
}

static void limits(pid_t child) {
	struct rlimit old = {0, 0}, new = {20, 30};
	say("limit", limit(child, RLIMIT_NOFILE, &new, &old));
	say("look", limit(child, RLIMIT_NOFILE, 0, &old));
	printf("%ld %ld\n", (long)old.rlim_cur, (long)old.rlim_max);
	new.rlim_cur = 31;
	say("above its maximum", limit(child, RLIMIT_NOFILE, &new, &old));
	say("no resource", limit(child, 99, 0, &old));
	say("bad address", limit(child, RLIMIT_NOFILE, (void *)8, 0));
	say("bad old", limit(child, RLIMIT_NOFILE, 0, (void *)8));
	say("nobody", limit(4000000, RLIMIT_NOFILE, 0, &old));
	say("nobody, no resource", limit(4000000, 99, 0, &old));
	say("negative", limit(-1, RLIMIT_NOFILE, 0, &old));
}

static void running(pid_t child) {
	struct sched_param p = {0};
	struct timespec t;
	unsigned long mask = 0;
	say("renice", setpriority(PRIO_PROCESS, child, 7));
	say("nice", syscall(SYS_getpriority, PRIO_PROCESS, child));
	say("renice a group", setpriority(PRIO_PGRP, child, 9));
	say("nice of a group", syscall(SYS_getpriority, PRIO_PGRP, child));
	say("batch", syscall(SYS_sched_setscheduler, child, 3, &p));
	say("policy", syscall(SYS_sched_getscheduler, child));
	say("setparam", syscall(SYS_sched_setparam, child, &p));
	say("getparam", syscall(SYS_sched_getparam, child, &p));
	p.sched_priority = 4;
	say("setparam 4", syscall(SYS_sched_setparam, child, &p));
	say("no policy", syscall(SYS_sched_setscheduler, child, 77, &p));
	say("interval", syscall(SYS_sched_rr_get_interval, child, &t));
	say("cores", syscall(SYS_sched_getaffinity, child, 128, &mask) > 0);
	say("one core", mask & 1);
	mask = 1;
	say("to a core", syscall(SYS_sched_setaffinity, child, 8, &mask));
	mask = 0;
	say("to none", syscall(SYS_sched_setaffinity, child, 8, &mask));
}

// What another user may do.
static void another(pid_t child) {
	struct rlimit limits = {1, 1};
	struct sched_param p = {0};
	unsigned long mask = 1;
	if (!fork()) {
		setresuid(1001, 1001, 1001);
		say("look at a limit", limit(child, RLIMIT_CORE, 0, &limits));
		say("set a limit", limit(child, RLIMIT_CORE, &limits, 0));
		say("nice", syscall(SYS_getpriority, PRIO_PROCESS, child));
		say("renice", setpriority(PRIO_PROCESS, child, 12));
		say("renice a group", setpriority(PRIO_PGRP, child, 12));
		say("renice a user", setpriority(PRIO_USER, 1000, 12));
		say("policy", syscall(SYS_sched_getscheduler, child));
		say("batch", syscall(SYS_sched_setscheduler, child, 3, &p));
		say("to a core", syscall(SYS_sched_setaffinity, child, 8, &mask));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
}

// Its own user's.
static void own(pid_t child) {
	struct rlimit limits = {0, 0};
	if (!fork()) {
		setresuid(1000, 1000, 1000);
		say("set a limit", limit(child, RLIMIT_CORE, &limits, 0));
		limits.rlim_max = 1;
		say("raise a limit", limit(child, RLIMIT_CORE, &limits, 0));
		say("renice", setpriority(PRIO_PROCESS, child, 12));
		say("renice lower", setpriority(PRIO_PROCESS, child, 3));
		say("renice a user", setpriority(PRIO_USER, 1000, 15));
		say("nice of a user", syscall(SYS_getpriority, PRIO_USER, 1000));
		fflush(stdout);
		_exit(0);
	}
	wait(0);
}

// A process that moves all the time has all that it is told, and is always found.
static void on_the_way(void) {
	struct rlimit old, new = {0, 100};
	// User 0 of a host may be without the capability to limit others.
	pid_t child = start(1000, moving), own = start(0, moving);
	int wrong = 0, found = 0;
	for (int round = 0; round < 300; round++) {
		int nice = round % 20;
		new.rlim_cur = round % 50;
		wrong += limit(own, RLIMIT_CORE, &new, 0) < 0;
		wrong += limit(own, RLIMIT_CORE, 0, &old) < 0 || old.rlim_cur != new.rlim_cur;
		wrong += setpriority(PRIO_PROCESS, child, nice) < 0;
		wrong += syscall(SYS_getpriority, PRIO_PROCESS, child) != 20 - nice;
		wrong += syscall(SYS_getpriority, PRIO_PGRP, child) != 20 - nice;
		wrong += syscall(SYS_getpriority, PRIO_USER, 1000) != 20 - nice;
		wrong += setpriority(round % 2 ? PRIO_USER : PRIO_PGRP, round % 2 ? 1000 : child, 19 - nice) < 0;
		wrong += syscall(SYS_getpriority, PRIO_PROCESS, child) != 1 + nice;
		wrong += syscall(SYS_sched_getscheduler, child) != 0;
		found += kill(-child, 0) == 0;
	}
	printf("on its way: %d wrong, %d of 300 found\n", wrong, found);
	end(child);
	end(own);
}

int main(void) {
	setvbuf(stdout, 0, _IOLBF, 0);
	struct rlimit core = {0, 0};
	pid_t child = start(0, elsewhere);
	limits(child);
	end(child);
	child = start(1000, elsewhere);
	running(child);
	another(child);
	own(child);
	end(child);
	say("who was", limit(child, RLIMIT_CORE, 0, &core));
	say("group that was", syscall(SYS_getpriority, PRIO_PGRP, child));
	say("user that was", syscall(SYS_getpriority, PRIO_USER, 1000));
	on_the_way();
}
