// Thousands of children end before they are waited for. What the kernel kept of them comes back.
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
	struct rlimit many = {1 << 20, 1 << 20};
	setrlimit(RLIMIT_NPROC, &many);
	int made = 0, gone = 0;
	for (; made < 3000; made++) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		if (child < 0)
			break;
	}
	while (wait(0) > 0)
		gone++;
	printf("%d %d\n", made, gone);
}
