// setpgid(2): which error comes first.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int go[2], told[2];
#define T(x) do { errno = 0; int r = (x); printf("%s: %s\n", #x, r ? strerror(errno) : "ok"); } while (0)

static pid_t child(int session, int execs) {
	pipe(go);
	pipe(told);
	pid_t pid = fork();
	if (pid) {
		char c;
		close(go[0]);
		close(told[1]);
		read(told[0], &c, 1);
		return pid;
	}
	close(go[1]);
	close(told[0]);
	syscall(4097, 0, 1, 0); // To another torus, where there is one.
	if (session) setsid();
	dup2(go[0], 0);
	dup2(told[1], 1);
	if (execs) execl("/proc/self/exe", "child", (char *)0);
	write(told[1], "", 1);
	char c;
	read(go[0], &c, 1);
	_exit(0);
}
static void end(pid_t pid) {
	write(go[1], "", 1);
	waitpid(pid, 0, 0);
	close(go[1]);
	close(told[0]);
}
int main(int n, char **a) {
	if (n > 0 && !strcmp(a[0], "child")) {
		char c;
		write(1, "", 1);
		read(0, &c, 1);
		return 0;
	}
	setvbuf(stdout, 0, _IONBF, 0);
	pid_t nobody = 4000000, pid = child(0, 0);
	T(setpgid(pid, nobody));
	T(setpgid(pid, getppid()));
	T(setpgid(pid, 0));
	T(setpgid(pid, getpgrp()));
	end(pid);
	pid = child(0, 1);
	T(setpgid(pid, nobody));
	T(setpgid(pid, pid));
	T(setpgid(pid, getpgrp()));
	T(setpgid(pid, -1));
	end(pid);
	pid = child(1, 0);
	T(setpgid(pid, nobody));
	T(setpgid(pid, pid));
	T(setpgid(0, pid));
	end(pid);
	pid = child(1, 1);
	T(setpgid(pid, nobody));
	T(setpgid(pid, pid));
	end(pid);
	T(setpgid(nobody, nobody));
	T(setpgid(pid, 0));
}
