// Nice values are kept and told
#include <stdio.h>
#include <unistd.h>
#include <sys/resource.h>
int main(){ printf("%d\n",nice(5)); printf("%d\n",getpriority(PRIO_PROCESS,0)); printf("%d\n",setpriority(PRIO_PROCESS,0,-3)); printf("%d\n",getpriority(PRIO_PROCESS,0)); }
