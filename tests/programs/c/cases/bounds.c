// Kernel objects are made until there may be no more of them. Each argument is a row of docs/abi.md's table of limits, and how: ROW by one
// process, ROW/many by three, ROW/there by one that has moved to torus 1 before, ROW/between by one that moves to and fro meanwhile.
// Who makes them is refused, or ends. Meanwhile a witness goes on with memory, files and pipes, and the first process has a shell
// remove what is in /tmp; after that there is room for as many again.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 3, PAGES = 64, TARGETS = 20, FULL = 1024, CHAIN = 30, POLLED = 200, BATCH = 300, MIGRATE = 4097 };

static volatile struct {
	int stop, wrong;
	struct {
		int refused;
		long count;
	} hogs[MANY];
} *all;

static char bytes[65536], name[300];
static int fd, out[2];
static pid_t targets[TARGETS];

static int failed(long result) { return result < 0 ? errno : 0; }

static void nothing(void) {}
static void file(void) {
	sprintf(name, "/tmp/hog/file%d", getpid());
	fd = open(name, O_CREAT | O_RDWR, 0600);
}
static void map_many(void) {
	for (int i = 0; i < 2000; i++)
		mmap(0, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void make_targets(void) {
	sigset_t every;
	sigfillset(&every);
	sigprocmask(SIG_BLOCK, &every, 0);
	for (int i = 0; i < TARGETS; i++)
		if (!(targets[i] = fork()))
			for (;;)
				pause();
	sigprocmask(SIG_UNBLOCK, &every, 0);
}
static void builder(void) { fd = syscall(4100, -1, 0); }
static void pipes(void) {
	for (int i = 0; i < POLLED; i++)
		if (pipe(out))
			_exit(1);
}

static int dups(long n) { return failed(dup(1)); }
static int files(long n) { return failed(open("/bin/busybox", O_RDONLY)); }
static int opens(long n) { return failed(open(name, O_RDONLY)); }
static int texts(long n) { return failed(open("/proc/self/maps", O_RDONLY)); }
static int empty_pipes(long n) { return failed(pipe(out)); }
static int full_pipes(long n) {
	if (pipe2(out, O_NONBLOCK))
		return errno;
	long all = 0, part;
	while ((part = write(out[1], bytes, sizeof bytes)) > 0)
		all += part;
	return all > 4096 ? 0 : errno;
}
static int locks(long n) {
	struct flock lock = {.l_type = F_WRLCK, .l_start = 2 * n, .l_len = 1};
	return failed(fcntl(fd, F_SETLK, &lock));
}
static int open_locks(long n) {
	struct flock lock = {.l_type = F_RDLCK, .l_start = 2 * n, .l_len = 1};
	return failed(fcntl(fd, F_OFD_SETLK, &lock));
}
static int unlocks(long n) {
	struct flock lock = {.l_type = F_WRLCK};
	if (!n && fcntl(fd, F_SETLK, &lock))
		return errno;
	lock = (struct flock){.l_type = F_UNLCK, .l_start = 2 * n + 1, .l_len = 1};
	return failed(fcntl(fd, F_SETLK, &lock));
}
static int signals(long n) {
	static int target, sent;
	union sigval value = {.sival_int = n};
	while (sigqueue(targets[target], SIGRTMIN, value)) {
		if (errno != EAGAIN || sent < FULL / 2 || ++target == TARGETS)
			return errno;
		sent = 0;
	}
	sent++;
	return 0;
}
static int names(long n) {
	sprintf(name, "/tmp/hog/%d-%ld-%0150d", getpid(), n, 7);
	int fd = open(name, O_CREAT | O_RDWR, 0600);
	return fd < 0 ? errno : failed(close(fd));
}
static int links(long n) {
	memset(bytes, 'l', 4000);
	bytes[4000] = 0;
	sprintf(name, "/tmp/hog/%d-l%ld", getpid(), n);
	return failed(symlink(bytes, name));
}
static int deep(long n) {
	if (n % CHAIN == 0) {
		sprintf(name, "/tmp/hog/%d-d%ld", getpid(), n);
		if (mkdir(name, 0700))
			return errno;
		return failed(chdir(name));
	}
	memset(name, 'd', 100);
	name[100] = 0;
	return mkdir(name, 0700) ? errno : failed(chdir(name));
}
static int sparse(long n) { return failed(pwrite(fd, "x", 1, n << 30)); }
static int memfds(long n) {
	int fd = memfd_create("m", 0);
	return fd < 0 ? errno : failed(write(fd, bytes, sizeof bytes));
}
static int maps(long n) {
	int rights = n & 1 ? PROT_READ : PROT_NONE;
	return mmap(0, 4096, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}
static int tables(long n) {
	static char *base;
	if (!n)
		base = mmap(0, 1ul << 44, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return *(volatile char *)(base + (n << 21));
}
static int shared(long n) {
	char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return errno;
	memset(p, 1, 65536);
	return 0;
}
static int processes(long n) {
	pid_t child = fork();
	if (!child)
		for (;;)
			pause();
	return failed(child);
}
static int zombies(long n) {
	siginfo_t info;
	pid_t child = fork();
	if (!child)
		_exit(0);
	return child < 0 ? errno : failed(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
}
static int sleepers(long n) {
	pid_t child = fork();
	if (!child) {
		struct pollfd polled[POLLED];
		for (int i = 0; i < POLLED; i++)
			polled[i] = (struct pollfd){.fd = 4 + 2 * i, .events = POLLIN};
		for (;;)
			poll(polled, POLLED, 1000000);
	}
	return failed(child);
}
static int arguments(long n) {
	char *words[64] = {"true"};
	memset(bytes, 'a', sizeof bytes - 1);
	for (int i = 1; i < 63; i++)
		words[i] = i <= n ? bytes : 0;
	int status;
	pid_t child = vfork();
	if (!child) {
		execv("/bin/busybox", words);
		_exit(errno);
	}
	if (child < 0)
		return errno;
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}
static int objects(long n) {
	int builder = syscall(4100, -1, 0);
	if (builder < 0)
		return errno;
	memcpy(bytes, &n, sizeof n);
	memcpy(bytes + 8, &fd, sizeof fd);
	if (syscall(4101, builder, bytes, 16384) < 0)
		return errno;
	int object = syscall(4103, builder, 0);
	return object < 0 ? errno : failed(close(builder));
}
static int appends(long n) {
	for (unsigned at = 0; at < sizeof bytes; at += 4096)
		memcpy(bytes + at, &n, sizeof n);
	bytes[8] = 1;
	return failed(syscall(4101, fd, bytes, sizeof bytes));
}
static int splits(long n) {
	static char *base;
	if (!n)
		base = mmap(0, 1ul << 36, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return failed(mprotect(base + n * 8192, 4096, PROT_READ));
}
static int dirty(long n) {
	char *p = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return errno;
	for (int at = 0; at < 65536; at += 4096)
		p[at]++;
	return 0;
}
static void program(void) { fd = open("/bin/busybox", O_RDONLY); }
static int joined(long n) {
	static int object;
	if (!n) {
		int builder = syscall(4100, -1, 0);
		if (builder < 0 || syscall(4101, builder, bytes, 4097) < 0)
			return errno;
		object = syscall(4103, builder, 0);
	}
	int twice = syscall(4105, object, object, 0);
	return twice < 0 ? errno : 0;
}

static const struct row {
	const char *name;
	void (*begin)(void);
	int (*step)(long n);
} rows[] = {
	{"dups", nothing, dups}, {"files", nothing, files}, {"opens", file, opens}, {"texts", map_many, texts},
	{"pipes", nothing, empty_pipes}, {"bytes", nothing, full_pipes}, {"locks", file, locks}, {"ofd", file, open_locks},
	{"unlocks", file, unlocks}, {"signals", make_targets, signals}, {"names", nothing, names}, {"links", nothing, links},
	{"deep", nothing, deep}, {"sparse", file, sparse}, {"memfds", nothing, memfds}, {"maps", nothing, maps},
	{"tables", nothing, tables}, {"shared", nothing, shared}, {"processes", nothing, processes}, {"zombies", nothing, zombies},
	{"sleepers", pipes, sleepers}, {"arguments", nothing, arguments}, {"objects", nothing, objects}, {"appends", builder, appends},
	{"splits", nothing, splits}, {"dirty", program, dirty},
	{"joined", nothing, joined},
};

static void hog(const struct row *row, const char *how, int number) {
	struct rlimit many = {1 << 20, 1 << 20};
	setpgid(0, 0);
	if (strcmp(row->name, "dups") && setrlimit(RLIMIT_NOFILE, &many) && !getrlimit(RLIMIT_NOFILE, &many)) {
		many.rlim_cur = many.rlim_max;
		setrlimit(RLIMIT_NOFILE, &many);
	}
	if (!strcmp(how, "there"))
		syscall(MIGRATE, 0, 1, 0);
	row->begin();
	long n = 0;
	int refused = 0;
	for (; !(refused = row->step(n)); n++) {
		all->hogs[number].count = n;
		if (!strcmp(how, "between") && n % BATCH == BATCH - 1)
			syscall(MIGRATE, 0, n / BATCH & 1, 0);
	}
	all->hogs[number].refused = refused;
	while (!all->stop)
		usleep(20000);
}

static int witness(void) {
	uint64_t *p = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (uint64_t round = 0; !all->stop; round++) {
		for (int i = 0; i < PAGES; i++) {
			if (round && p[i * 512] != i + round)
				return 1;
			p[i * 512] = i + round + 1;
		}
		int file = open("/bin/busybox", O_RDONLY), ends[2];
		char byte = round, read_byte = round + 1;
		if (file < 0 || read(file, &byte, 1) != 1 || close(file))
			return 2;
		if (pipe(ends) || write(ends[1], &byte, 1) != 1 || read(ends[0], &read_byte, 1) != 1 || byte != read_byte)
			return 3;
		close(ends[0]);
		close(ends[1]);
		usleep(5000);
	}
	return 5;
}

static int shell(void) {
	int status = -1;
	pid_t child = fork();
	if (!child) {
		execl("/bin/busybox", "sh", "-c", "cd / && exec busybox rm -rf /tmp/hog", (char *)0);
		_exit(1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

// Answers how many objects there were, and says how it ended unless that is what it `was` before.
static long run(const struct row *row, const char *how, const char **ended, int *fine) {
	int hogs = strcmp(how, "many") ? 1 : MANY, status;
	pid_t pids[MANY], other;
	memset((void *)all, 0, sizeof *all);
	mkdir("/tmp/hog", 0700);
	if (!(other = fork()))
		_exit(witness());
	for (int i = 0; i < hogs; i++)
		if (!(pids[i] = fork())) {
			hog(row, how, i);
			_exit(0);
		}
	*ended = "killed";
	long count = 0;
	for (int i = 0; i < hogs; i++) {
		while (!all->hogs[i].refused && pids[i] && waitpid(pids[i], &status, WNOHANG) != pids[i])
			usleep(10000);
		if (all->hogs[i].refused)
			*ended = strerrorname_np(all->hogs[i].refused);
		count += all->hogs[i].count;
	}
	*fine = shell();
	usleep(20000);
	all->stop = 1;
	for (int i = 0; i < hogs; i++)
		kill(-pids[i], SIGKILL);
	waitpid(other, &status, 0);
	if (status != 5 << 8) {
		printf("witness %x ", status);
		*fine = 0;
	}
	while (wait(0) > 0)
		;
	*fine = shell() && *fine;
	return count;
}

int main(int argc, char **argv) {
	all = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 1; i < argc; i++) {
		char *how = strchr(argv[i], '/'), *slash = how;
		how = how ? how + 1 : "";
		if (slash)
			*slash = 0;
		const struct row *row = rows;
		while (strcmp(row->name, argv[i]))
			row++;
		const char *ended, *again;
		int fine, still;
		long first = run(row, how, &ended, &fine);
		long second = run(row, how, &again, &still);
		printf("%s%s%s: %s, %s", row->name, slash ? "/" : "", how, ended, fine && still ? "others fine" : "others not fine");
		if (getenv("COUNTS"))
			printf(" %ld %ld", first, second);
		puts(first > 0 && second >= first - first / 4 ? ", again" : ", and then not");
		fflush(stdout);
	}
}
