package chat

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/disclone/disclone/pkg/task"
	"github.com/disclone/disclone/pkg/ws"
)

const (
	actions = "sendMessage, joinGroup, leaveGroup, resume, getTask, revokeTask"

	noTask = "none" // as a frame's task: start none, only acknowledge

	eventAck     = "ack"
	eventMessage = "message"
	eventTask    = "task"

	maxGroup   = 100    // characters in a group's name, as Django Channels has it
	maxName    = 64     // characters in a display name
	maxID      = 64     // characters in a message's id
	maxTaskID  = 128    // bytes in a task's id
	maxMessage = 30_000 // bytes of a message's JSON, so that its event fits one frame of 32 KB (API Gateway quota)
)

// envelope is what every frame of a client has.
type envelope struct {
	Action string `json:"action"`
	ID     ws.ID  `json:"id"`
}

// groupFrame is joinGroup and leaveGroup.
type groupFrame struct {
	envelope
	Group string `json:"group"`
}

// messageFrame is sendMessage.
type messageFrame struct {
	envelope
	Group     string          `json:"group"`
	MessageID string          `json:"messageId"`
	Name      string          `json:"name"`
	Task      string          `json:"task"`
	Message   json.RawMessage `json:"message"`
}

// resumeFrame is resume.
type resumeFrame struct {
	groupFrame
	After *int64 `json:"after"`
}

// taskIDFrame is getTask and revokeTask.
type taskIDFrame struct {
	envelope
	TaskID string `json:"taskId"`
	Offset int    `json:"offset"`
}

// taskAnswer answers getTask and revokeTask.
type taskAnswer struct {
	Event    string          `json:"event"`
	ID       ws.ID           `json:"id,omitempty"`
	Message  string          `json:"message"`
	TaskID   string          `json:"taskId"`
	Task     string          `json:"task,omitempty"`
	State    task.State      `json:"state"`
	Step     int64           `json:"step,omitempty"`
	Progress json.RawMessage `json:"progress,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *task.Failure   `json:"error,omitempty"`
	// Of a result that no frame holds: its bytes, and a part of its text from the offset that was asked for.
	Size   int    `json:"size,omitempty"`
	Offset int    `json:"offset,omitempty"`
	Part   string `json:"part,omitempty"`
}

// ack answers the sender at once.
type ack struct {
	Event   string `json:"event"`
	ID      ws.ID  `json:"id,omitempty"`
	Message string `json:"message"`
	Group   string `json:"group,omitempty"`
	TaskID  string `json:"taskId,omitempty"`
	// MessageID and Seq are of a message to a group.
	MessageID string `json:"messageId,omitempty"`
	Seq       int64  `json:"seq,omitempty"`
}

// resumed answers resume.
type resumed struct {
	Event   string            `json:"event"`
	ID      ws.ID             `json:"id,omitempty"`
	Message string            `json:"message"`
	Group   string            `json:"group"`
	Seq     int64             `json:"seq"` // up to which these entries are everything
	Entries []json.RawMessage `json:"entries"`
	More    bool              `json:"more,omitempty"`
	Reset   bool              `json:"reset,omitempty"` // forget what you have: the entries are the latest ones
}

// messageEvent is what the members of a group see, with its number in the group as the field seq.
type messageEvent struct {
	Event     string          `json:"event"`
	Group     string          `json:"group"`
	MessageID string          `json:"messageId"`
	From      string          `json:"from"`
	Name      string          `json:"name,omitempty"`
	Message   json.RawMessage `json:"message"`
	SentAt    string          `json:"sentAt"`
	// Of a message that started a task, whose input it is.
	Task   string `json:"task,omitempty"`
	TaskID string `json:"taskId,omitempty"`
}

// taskEvent is a change of a task's state, pushed without the client asking. A final state that goes to a group has a number
// in the group, as the field seq.
type taskEvent struct {
	Event   string          `json:"event"`
	TaskID  string          `json:"taskId"`
	Task    string          `json:"task"`
	Root    string          `json:"root,omitempty"` // the call that it is a step of
	State   task.State      `json:"state"`
	Attempt int             `json:"attempt,omitempty"`
	Step    int64           `json:"step,omitempty"` // of the task's events
	Result  json.RawMessage `json:"result,omitempty"`
	Size    int             `json:"size,omitempty"` // of a result that no frame holds; getTask gives it
	// Progress is there in the state "progress", Error in the state "failure".
	Progress json.RawMessage `json:"progress,omitempty"`
	Error    *task.Failure   `json:"error,omitempty"`
	Group    string          `json:"group,omitempty"`
}

func decodeGroup(r *ws.Request) (groupFrame, error) {
	var in groupFrame
	if err := ws.Decode(r.Body, &in); err != nil {
		return in, err
	}
	if in.Group == "" {
		return in, ws.Errorf(ws.CodeBadRequest, `the field "group" is missing`)
	}
	return in, checkGroup(in.Group)
}

func decodeMessage(r *ws.Request) (messageFrame, error) {
	var in messageFrame
	if err := ws.Decode(r.Body, &in); err != nil {
		return in, err
	}
	switch {
	case len(in.Message) == 0 || string(in.Message) == "null":
		return in, ws.Errorf(ws.CodeBadRequest, `the field "message" is missing`)
	case len(in.Message) > maxMessage:
		return in, ws.Errorf(ws.CodeTooLarge, "a message has at most %d bytes", maxMessage)
	case utf8.RuneCountInString(in.Name) > maxName:
		return in, ws.Errorf(ws.CodeBadRequest, "a name has at most %d characters", maxName)
	case utf8.RuneCountInString(in.MessageID) > maxID:
		return in, ws.Errorf(ws.CodeBadRequest, "a message's id has at most %d characters", maxID)
	}
	return in, checkGroup(in.Group)
}

func decodeResume(r *ws.Request) (resumeFrame, error) {
	var in resumeFrame
	if err := ws.Decode(r.Body, &in); err != nil {
		return in, err
	}
	switch {
	case in.Group == "":
		return in, ws.Errorf(ws.CodeBadRequest, `the field "group" is missing`)
	case in.After != nil && *in.After < 0:
		return in, ws.Errorf(ws.CodeBadRequest, `the field "after" is a message's number, or 0`)
	}
	return in, checkGroup(in.Group)
}

func decodeTaskID(r *ws.Request) (taskIDFrame, error) {
	var in taskIDFrame
	if err := ws.Decode(r.Body, &in); err != nil {
		return in, err
	}
	switch {
	case in.TaskID == "":
		return in, ws.Errorf(ws.CodeBadRequest, `the field "taskId" is missing`)
	case len(in.TaskID) > maxTaskID:
		return in, ws.Errorf(ws.CodeBadRequest, "a task's id has at most %d bytes", maxTaskID)
	case in.Offset < 0:
		return in, ws.Errorf(ws.CodeBadRequest, `the field "offset" is 0 or more`)
	}
	return in, nil
}

func checkGroup(group string) error {
	if len(group) > maxGroup {
		return ws.Errorf(ws.CodeBadRequest, "a group's name has at most %d characters", maxGroup)
	}
	return nil
}
