// ETXTBSY of a program that nobody has changed yet, between tori: also when it is opened and executed at the same moment.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIGRATE 4097
#define PAGE "/tmp/busy_page"
#define ROUNDS 100

static const char *other = "/cases/other";

// Whether somebody has it open for writing.
static volatile int *written(int flags) {
	int file = open(PAGE, O_RDWR | flags, 0600);
	ftruncate(file, 4096);
	return mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

static pid_t start(const char *how) {
	pid_t child = fork();
	if (!child) {
		syscall(MIGRATE, 0L, 1L, 0L);
		execl(other, other, how, (char *)0);
		_exit(errno);
	}
	return child;
}

static int end(pid_t child) {
	int status;
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static const char *told(int status) { return status == 77 ? "runs" : strerror(status); }

int main(int count, char **arguments) {
	if (count > 1 && !strcmp(arguments[1], "quick"))
		return 77;
	if (count > 1) {
		volatile int *page = written(0);
		page[1] = 1;
		for (int look = 0; look < (arguments[1][0] == 'w' ? 1 << 30 : 20) && !page[2]; look++) {
			if (page[0])
				return 1;
			sched_yield();
		}
		return 77;
	}
	if (access(other, F_OK)) {
		other = "/tmp/busy_other";
		char program[200] = "";
		readlink("/proc/self/exe", program, 199);
		if (!fork())
			execlp("cp", "cp", program, other, (char *)0), _exit(1);
		wait(0);
	}
	volatile int *page = written(O_CREAT | O_TRUNC);
	printf("before: %s\n", told(end(start("quick"))));
	int file = open(other, O_WRONLY);
	printf("open for writing: %s\n", told(end(start("quick"))));
	close(file);
	printf("closed: %s\n", told(end(start("quick"))));
	pid_t child = start("wait");
	while (!page[1])
		sched_yield();
	file = open(other, O_WRONLY);
	printf("it runs: %s\n", file < 0 ? strerror(errno) : "opened");
	page[2] = 1;
	printf("%s\n", told(end(child)));
	page[2] = 0;
	fflush(stdout);
	pid_t opener = fork();
	if (!opener)
		for (;;) {
			int open_file = open(other, O_WRONLY);
			if (open_file < 0)
				continue;
			page[0] = 1;
			sched_yield();
			page[0] = 0;
			close(open_file);
		}
	int wrong = 0;
	for (int round = 0; round < ROUNDS; round++) {
		int status = end(start("race"));
		wrong += status != 77 && status != ETXTBSY;
	}
	printf("at the same moment: %d wrong\n", wrong);
	kill(opener, SIGKILL);
	waitpid(opener, 0, 0);
	unlink(PAGE);
	unlink("/tmp/busy_other");
}
