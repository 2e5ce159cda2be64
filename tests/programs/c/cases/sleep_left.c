// What an interrupted sleep answers when what is left of it cannot be told.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void nothing(int number) { (void)number; }
static void sleeps(const char *what, long number, struct timespec *left) {
	struct timespec span = {5, 0};
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 50000}}, 0);
	errno = 0;
	long r = number == SYS_nanosleep ? syscall(number, &span, left) : syscall(number, CLOCK_MONOTONIC, 0, &span, left);
	printf("%s: %ld %d\n", what, r, errno);
}
int main(void) {
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = nothing}, 0);
	struct timespec left = {0, 0};
	sleeps("nanosleep", SYS_nanosleep, &left);
	printf("left %d\n", left.tv_sec >= 3 && left.tv_sec <= 5);
	sleeps("nanosleep, nowhere", SYS_nanosleep, (void *)8);
	sleeps("nanosleep, untold", SYS_nanosleep, 0);
	sleeps("clock_nanosleep", SYS_clock_nanosleep, &left);
	sleeps("clock_nanosleep, nowhere", SYS_clock_nanosleep, (void *)8);
}
