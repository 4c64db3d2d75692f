package boot

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// environment is what template.yaml gives every function.
type environment struct {
	tableName     string
	streamTable   string
	taskQueueURL  string
	deadTasksURL  string
	membershipTTL time.Duration
	retention     time.Duration
	taskTable     string
	taskRetention time.Duration
	maxAttempts   int
}

func readEnvironment() (environment, error) {
	var env environment
	for name, value := range map[string]*string{
		"TABLE_NAME": &env.tableName, "STREAM_TABLE_NAME": &env.streamTable, "TASK_TABLE_NAME": &env.taskTable,
		"TASK_QUEUE_URL": &env.taskQueueURL, "TASK_DEAD_LETTER_QUEUE_URL": &env.deadTasksURL,
	} {
		if *value = os.Getenv(name); *value == "" {
			return env, fmt.Errorf("boot: %s must be set; template.yaml sets it", name)
		}
	}
	for name, value := range map[string]*time.Duration{
		"MEMBERSHIP_TTL_SECONDS": &env.membershipTTL, "HISTORY_RETENTION_SECONDS": &env.retention, "TASK_RETENTION_SECONDS": &env.taskRetention,
	} {
		seconds, err := positive(name)
		if err != nil {
			return env, err
		}
		*value = time.Duration(seconds) * time.Second
	}
	var err error
	env.maxAttempts, err = positive("TASK_MAX_ATTEMPTS")
	return env, err
}

func positive(name string) (int, error) {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("boot: %s is %q; want a whole number above 0", name, os.Getenv(name))
	}
	return n, nil
}
