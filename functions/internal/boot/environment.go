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
	taskQueueURL  string
	membershipTTL time.Duration
	maxReceives   int
}

func readEnvironment() (environment, error) {
	env := environment{tableName: os.Getenv("TABLE_NAME"), taskQueueURL: os.Getenv("TASK_QUEUE_URL")}
	if env.tableName == "" || env.taskQueueURL == "" {
		return env, fmt.Errorf("boot: TABLE_NAME and TASK_QUEUE_URL must be set; template.yaml sets them")
	}
	ttl, err := positive("MEMBERSHIP_TTL_SECONDS")
	if err != nil {
		return env, err
	}
	env.membershipTTL = time.Duration(ttl) * time.Second
	env.maxReceives, err = positive("TASK_MAX_RECEIVES")
	return env, err
}

func positive(name string) (int, error) {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("boot: %s is %q; want a whole number above 0", name, os.Getenv(name))
	}
	return n, nil
}
