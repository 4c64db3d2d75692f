package dynamo

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/disclone/disclone/pkg/channel"
)

func str(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

func key(group, channel string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrGroup: str(group), attrChannel: str(channel)}
}

func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// decodeMember reads an item. One without "expires" does not expire.
func decodeMember(item map[string]types.AttributeValue) (channel.Member, error) {
	name, err := text(item, attrChannel)
	if err != nil {
		return channel.Member{}, err
	}
	m := channel.Member{Channel: name}
	v, ok := item[attrExpires]
	if !ok {
		return m, nil
	}
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return m, fmt.Errorf("dynamo: membership of %s: %q is not a number", name, attrExpires)
	}
	seconds, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return m, fmt.Errorf("dynamo: membership of %s: %q: %w", name, attrExpires, err)
	}
	m.Expires = time.Unix(seconds, 0)
	return m, nil
}

func text(item map[string]types.AttributeValue, attr string) (string, error) {
	v, ok := item[attr].(*types.AttributeValueMemberS)
	if !ok {
		return "", fmt.Errorf("dynamo: item without a text %q", attr)
	}
	return v.Value, nil
}
