package sqs

// Who may do what is not looked at here: every policy is kept and none is enforced. AddPermission and RemovePermission
// would have to read and write any policy, so they are refused by name.

type permissionIn struct {
	QueueUrl      string
	Label         string
	AWSAccountIds []string `wire:"AWSAccountIds,AWSAccountId"`
	Actions       []string `wire:"Actions,ActionName"`
}

func (s *Server) addPermission(*call, permissionIn) (empty, error) {
	return empty{}, fail("UnsupportedOperation", "AddPermission is not supported by the embedded SQS, which enforces no policies")
}

func (s *Server) removePermission(*call, permissionIn) (empty, error) {
	return empty{}, fail("UnsupportedOperation", "RemovePermission is not supported by the embedded SQS, which enforces no policies")
}
