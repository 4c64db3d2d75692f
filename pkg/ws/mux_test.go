package ws_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/disclone/disclone/pkg/ws"
)

func answer(text string) ws.HandlerFunc {
	return func(context.Context, *ws.Request) (ws.Response, error) { return ws.Response{Body: []byte(text)}, nil }
}

func TestMux(t *testing.T) {
	t.Parallel()
	mux := ws.NewMux()
	mux.Handle("$default", answer("default"))
	mux.HandleFunc("sendMessage", answer("send"))
	for key, want := range map[string]string{"$default": "default", "sendMessage": "send"} {
		resp, err := mux.ServeWS(t.Context(), &ws.Request{RouteKey: key})
		if err != nil || string(resp.Body) != want {
			t.Errorf("route %q: %s, %v; want %s", key, resp.Body, err, want)
		}
	}
	for _, key := range []string{"", "SendMessage", "sendmessage", "$connect"} {
		_, err := mux.ServeWS(t.Context(), &ws.Request{RouteKey: key})
		if ws.CodeOf(err) != ws.CodeUnknownAction {
			t.Errorf("route %q: %v", key, err)
		}
	}
}

func TestMuxPanics(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(m *ws.Mux){
		"duplicate":    func(m *ws.Mux) { m.Handle("a", answer("")); m.HandleFunc("a", answer("")) },
		"empty":        func(m *ws.Mux) { m.Handle("", answer("")) },
		"nil handler":  func(m *ws.Mux) { m.Handle("a", nil) },
		"nil function": func(m *ws.Mux) { m.HandleFunc("a", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			add(ws.NewMux())
		})
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	mark := func(text string) ws.Middleware {
		return func(next ws.Handler) ws.Handler {
			return ws.HandlerFunc(func(ctx context.Context, r *ws.Request) (ws.Response, error) {
				resp, err := next.ServeWS(ctx, r)
				resp.Body = fmt.Appendf(nil, "%s(%s)", text, resp.Body)
				return resp, err
			})
		}
	}
	resp, err := ws.Chain(answer("x"), mark("a"), mark("b")).ServeWS(t.Context(), &ws.Request{})
	if err != nil || string(resp.Body) != "a(b(x))" {
		t.Errorf("answer is %s, %v", resp.Body, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("chat: %w", ws.Wrap(ws.CodeUnavailable, io.ErrUnexpectedEOF, "the %s is down", "store"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || ws.CodeOf(err) != ws.CodeUnavailable {
		t.Errorf("error %v does not wrap", err)
	}
	if want := "chat: unavailable: the store is down: unexpected EOF"; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
	if got := ws.Errorf(ws.CodeNotFound, "no %d", 7).Error(); got != "not_found: no 7" {
		t.Errorf("error is %q", got)
	}
	for err, want := range map[error]ws.Code{nil: "", io.EOF: ws.CodeInternal, context.Canceled: ws.CodeInternal} {
		if got := ws.CodeOf(err); got != want {
			t.Errorf("code of %v is %q, want %q", err, got, want)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[ws.Code]int{
		ws.CodeBadRequest: 400, ws.CodeTooLarge: 413, ws.CodeUnauthenticated: 401, ws.CodeForbidden: 403,
		ws.CodeNotFound: 404, ws.CodeUnknownAction: 400, ws.CodeThrottled: 429, ws.CodeConflict: 409,
		ws.CodeUnavailable: 503, ws.CodeInternal: 500, "": 500, "other": 500,
	} {
		if got := code.Status(); got != want {
			t.Errorf("status of %q is %d, want %d", code, got, want)
		}
	}
}

func TestReplyThatDoesNotEncode(t *testing.T) {
	t.Parallel()
	if _, err := ws.Reply(make(chan int)); ws.CodeOf(err) != ws.CodeInternal {
		t.Errorf("reply: %v", err)
	}
}
