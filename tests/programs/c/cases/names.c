// Names are made in /tmp until there is no room. A shell can still remove them.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
	char name[200];
	mkdir("/tmp/x", 0700);
	for (int i = 0;; i++) {
		sprintf(name, "/tmp/x/%d-%0150d", i, 7);
		int fd = open(name, O_CREAT | O_RDWR, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	printf("errno %d\n", errno);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		execl("/bin/busybox", "sh", "-c", "busybox rm -rf /tmp/x; busybox ls /tmp; echo ok", (char *)0);
	int status = -1;
	waitpid(child, &status, 0);
	return status != 0;
}
